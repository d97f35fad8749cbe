"""The address a request comes from."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address: as seen by the outermost of our PROXY_COUNT proxies, otherwise the connection's."""
    count: int = settings.PROXY_COUNT
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    # Each of our proxies appends one address; the client can write anything before those.
    return seen[-count] if 0 < count <= len(seen) else str(request.META.get("REMOTE_ADDR", ""))
