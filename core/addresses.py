"""Where a request comes from: its address, and who sent it, as the access log names both."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

#: The key in ``request.META`` of who sent the request, for the access log: customer:12, staff:17 or key:aB3xY9zQ.
SENDER = "shop.sender"
#: More than any address with a port; a client chooses how much it sends.
_LONGEST = 80


def client_address(request: HttpRequest) -> str:
    """The client's IP address: as seen by the outermost of our PROXY_COUNT proxies, otherwise the connection's.

    Some proxies add the port, "1.2.3.4:5678" or "[::1]:5678"; it is left out. Where they write no address at all, as in
    "unknown", the connection's counts, and where that is none, "".
    """
    count: int = settings.PROXY_COUNT
    seen = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    # Each of our proxies appends one address; the client can write anything before those.
    given = seen[-count] if 0 < count <= len(seen) else ""
    return (given and _address(given[:_LONGEST])) or _address(str(request.META.get("REMOTE_ADDR", ""))[:_LONGEST])


# A program that orders comes from the same address each time, and reading one costs as much as checking an order.
@lru_cache(maxsize=1024)
def _address(text: str) -> str:
    """Return the address in ``text`` without a port, "" if there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        # Without the name of a network card, as in fe80::1%eth0.
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
