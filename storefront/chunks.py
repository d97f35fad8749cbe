"""Bodies of no announced length: Node's plain `http.request` sends them in chunks, and Django reads none of them."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings

type App = Callable[[dict[str, Any], Any], Iterable[bytes]]

#: So much of a body is read before its length is known; Django refuses what is over its own limit as ever.
_ROOM_FOR_ENCODING = 64 * 1024
#: So much more is read and forgotten: who is still sending when the connection closes never reads why.
_HEARD_OUT = 8 * 1024 * 1024


def with_length(app: App) -> App:
    """``app`` for servers that take the chunks apart and say so with ``wsgi.input_terminated``."""

    def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
        if is_chunked and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _ROOM_FOR_ENCODING)
            _hear_out(environ["wsgi.input"])
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return app(environ, start_response)

    return counted


def _hear_out(stream: Any) -> None:
    left = _HEARD_OUT
    while left > 0 and (rest := stream.read(min(left, _ROOM_FOR_ENCODING))):
        left -= len(rest)
