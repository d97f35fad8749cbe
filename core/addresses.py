"""Where a request comes from: its address, and who sent it, as the access log names both."""

from django.conf import settings
from django.http import HttpRequest

#: The key in ``request.META`` of who sent the request, for the access log: customer:12, staff:17 or key:aB3xY9zQ.
SENDER = "shop.sender"


def client_address(request: HttpRequest) -> str:
    """The client's IP address: as seen by the outermost of our PROXY_COUNT proxies, otherwise the connection's."""
    count: int = settings.PROXY_COUNT
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    # Each of our proxies appends one address; the client can write anything before those.
    return seen[-count] if 0 < count <= len(seen) else str(request.META.get("REMOTE_ADDR", ""))
