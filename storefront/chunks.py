"""Request bodies without Content-Length: Node's plain `http.request` sends chunks, and Django ignores such a body."""

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


def with_length(app: App) -> App:
    """Wrap ``app`` so that it gets chunked bodies with a length. For servers that set ``wsgi.input_terminated``."""

    def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
        if is_chunked and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _EXTRA)
            left = _DISCARDED
            while left > 0 and (rest := environ["wsgi.input"].read(min(left, _EXTRA))):
                left -= len(rest)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return app(environ, start_response)

    return counted
