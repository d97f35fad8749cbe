"""One spelling for all addresses that mean the same, and the key that orders are found by."""

import re
from hashlib import sha256
from urllib.parse import quote

#: The longest key of a link; longer ones end with a digest.
KEY_LENGTH = 200
SAFE = "/:@!$&'()*+,;=-._~%"


def encoded(text: str, also: str = "") -> str:
    """Text of an address in ASCII, with %3a as %3A, and %7e as the sign that needs no such spelling."""

    def plain(found: re.Match[str]) -> str:
        sign = chr(int(found[1], 16))
        return sign if sign.isascii() and (sign.isalnum() or sign in "-._~") else found[0].upper()

    return re.sub(r"%([0-9a-fA-F]{2})", plain, quote(text, safe=SAFE + also))


def key_of(canonical: str) -> str:
    """The canonical address without what one page may be reached with or without: scheme, www, slash at the end."""
    key = canonical.partition("://")[2] or canonical
    address, mark, query = key.removeprefix("www.").partition("?")
    key = f"{address.rstrip('/')}{mark}{query}"
    if len(key) <= KEY_LENGTH:
        return key
    return f"{key[: KEY_LENGTH - 33]}~{sha256(key.encode()).hexdigest()[:32]}"
