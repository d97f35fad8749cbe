"""The one rule of signatures, for links, requests, answers and calls: HMAC-SHA256 over the time, a dot and the text."""

import hashlib
import hmac
import re

from billing.gateways.contract import Forged

HEADER = "x-signature"
#: How far the time of a signature may be from ours, in seconds, to either side.
TOLERANCE = 300
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-fA-F]{64})")
#: Shorter keys sign nothing.
_SHORTEST_KEY = 16


def digest_of(key: str, at: int, text: bytes) -> str:
    """Return the hexadecimal signature of ``text`` at a Unix time. Raises Forged without a key."""
    if len(key) < _SHORTEST_KEY:
        raise Forged("no key")
    return hmac.new(key.encode(), f"{at}.".encode() + text, hashlib.sha256).hexdigest()


def header_of(key: str, at: int, text: bytes) -> str:
    """Return the header that signs ``text``: ``t=…,v1=…``. Raises Forged without a key."""
    return f"t={at},v1={digest_of(key, at, text)}"


def demand_signature(key: str, header: str, text: bytes, now: int) -> None:
    """Raise Forged unless ``header`` signs ``text`` with ``key``, at a time near ``now``."""
    found = _SIGNATURE.fullmatch(header)
    if found is None:
        raise Forged("no readable signature")
    at = int(found[1])
    if not hmac.compare_digest(found[2].lower(), digest_of(key, at, text)):
        raise Forged("wrong signature")
    if abs(at - now) > TOLERANCE:
        raise Forged("signed at another time")
