"""Bodies of no announced length: Node's plain `http.request` sends them in chunks, and Django reads none of them."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings

type App = Callable[[dict[str, Any], Any], Iterable[bytes]]

#: So much of a body is read before its length is known; Django refuses what is over its own limit as ever.
_ROOM_FOR_ENCODING = 64 * 1024


def with_length(app: App) -> App:
    """``app`` for servers that take the chunks apart and say so with ``wsgi.input_terminated``."""

    def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
        if is_chunked and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + _ROOM_FOR_ENCODING)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return app(environ, start_response)

    return counted
