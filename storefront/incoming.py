"""Requests as they arrive: each is received whole, within bounds, before Django sees it.

Django itself takes the charset of a request from the client, before it knows who asks: a body of 1 MB in `punycode`
keeps it busy for minutes. It ignores a body without Content-Length, which is how Node's plain `http.request` sends
one, and it takes the beginning of a body for the whole when the client hangs up.
"""

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings

type App = Callable[[dict[str, Any], Any], Iterable[bytes]]

#: Read this much more than Django allows, so that Django itself refuses the body as too large.
_EXTRA = 64 * 1024
#: Read and discard this much of a body that is too large: a client that is still sending when the connection closes
#: never reads the error.
_DISCARDED = 8 * 1024 * 1024
#: The headers of one part can cost Django 2 ms, also by a codec that the client names there.
MOST_PARTS = 200
_MULTIPART = "multipart/form-data"
#: Where customers send a file of up to 5 MB.
_FILES = re.compile(r"(?:/[a-z]{2})?/wallet/topups/[0-9]{1,19}/sent/\Z")
#: The largest body that goes there: the file and what a form has around it.
MOST_WITH_FILE = 5 * 1024 * 1024 + 64 * 1024
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"\\]{1,200})"|([^";\s]{1,200}))\s*(?:;|$)', re.IGNORECASE)


class Refused(Exception):
    """The request is not passed on; ``status`` is what HTTP calls the reason."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def received(app: App) -> App:
    """Wrap ``app`` so that it gets requests whose body is complete, and in whose encoding the client has no say."""

    def receive_and_pass_on(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            receive(environ)
        except Refused as refused:
            text = f"{refused.status[4:]}\n".encode()
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
            headers += [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
            start_response(refused.status, headers)
            return [text]
        return app(environ, start_response)

    return receive_and_pass_on


def receive(environ: dict[str, Any]) -> None:
    """Put body, length and type of a request into ``environ`` as Django may read them. Raises Refused."""
    kind = environ["CONTENT_TYPE"] = bounded_type(environ.get("CONTENT_TYPE", ""))
    announced = _announced_length(environ)
    if announced == 0:
        return
    takes_file = kind.startswith(_MULTIPART) and _FILES.match(environ.get("PATH_INFO", "")) is not None
    allowed = MOST_WITH_FILE if takes_file else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    most = allowed + _EXTRA
    try:
        body = environ["wsgi.input"].read(most if announced is None else min(announced, most))
        left = _DISCARDED if announced is None else min(_DISCARDED, announced - len(body))
        while left > 0 and len(body) >= most and (rest := environ["wsgi.input"].read(min(left, _EXTRA))):
            left -= len(rest)
    except OSError:
        # The server's limit of time is over, or the client hung up and reads no answer.
        raise Refused("408 Request Timeout") from None
    if announced is not None and len(body) < min(announced, most):
        raise Refused("400 Bad Request")
    if kind.startswith(_MULTIPART):
        boundary = kind.rpartition('boundary="')[2].rstrip('"').encode("latin-1")
        if len(body) > allowed or body.count(b"--" + boundary) > MOST_PARTS + 1:
            # Cut off, a file would still look like one.
            raise Refused("413 Content Too Large")
    environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def bounded_type(content_type: str) -> str:
    """Return the media type with no parameter but the boundary of a multipart body: the charset is always UTF-8."""
    kind = content_type.partition(";")[0].strip().lower()[:100]
    found = _BOUNDARY.search(content_type) if kind == _MULTIPART else None
    return f'{kind}; boundary="{found[1] or found[2]}"' if found else kind


def _announced_length(environ: dict[str, Any]) -> int | None:
    """Return the length of the body; None where only its end will tell."""
    is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
    if is_chunked and environ.get("wsgi.input_terminated"):
        return None
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit() and len(length) <= 18):
        raise Refused("400 Bad Request")
    return int(length)
