"""Where a request comes from, as far as it can be believed."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address: the one that the outermost of our PROXY_COUNT proxies saw, else the connection's."""
    count: int = settings.PROXY_COUNT
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    # Each proxy of ours adds one at the end; whatever stands before those was written by the client itself.
    return seen[-count] if 0 < count <= len(seen) else str(request.META.get("REMOTE_ADDR", ""))
