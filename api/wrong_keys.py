"""Wrong API keys: what an address may send of them, so that none of them costs the database more than a moment.

An address that has sent too many waits, unless it sends a key that was right in this process before: one program with
an old key shall not stop the others behind the same address.
"""

import ipaddress
from math import ceil
from time import monotonic

from django.conf import settings

from accounts.api_keys import digest_of
from api.limits import take

PER_MINUTE = 60
_LIMIT = 10_000
_waiting: dict[str, float] = {}
_right: dict[str, None] = {}


def seconds_to_wait(key: str, address: str) -> int:
    """Return the whole seconds until a call with this key is looked at, 0 when it may pass now."""
    if not _waiting or (until := _waiting.get(_network(address))) is None or digest_of(key) in _right:
        return 0
    return max(0, ceil(until - monotonic()))


def count_wrong(key: str, address: str) -> int:
    """Count a wrong key; return the whole seconds that the address has to wait now, 0 when it may go on."""
    _right.pop(digest_of(key), None)
    network = _network(address)
    rate = min(PER_MINUTE, settings.API_RATE_PER_MINUTE)
    wait = take({f"api:wrong:{network}": rate}) if rate else 0
    if wait:
        if len(_waiting) >= _LIMIT:
            _waiting.clear()
        _waiting[network] = monotonic() + wait
    return wait


def remember_right(key: str) -> None:
    """Let calls with this key pass whatever else its address sends."""
    if len(_right) >= _LIMIT:
        _right.clear()
    _right[digest_of(key)] = None


def _network(address: str) -> str:
    """The address, or the /64 of an IPv6 address, which is one customer's."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else str(ip)
