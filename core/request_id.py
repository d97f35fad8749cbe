"""The id of the request being served: in the answer's header, in every log line, and with what staff did."""

from contextvars import ContextVar

#: Empty outside a request.
request_id: ContextVar[str] = ContextVar("request_id", default="")
