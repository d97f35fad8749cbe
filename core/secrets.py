"""Encrypt stored secrets, so that no dump, log or page shows them."""

import base64
import hashlib
import re
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SecretUnreadable(Exception):
    """The secret was encrypted under a key that is no longer configured."""


def is_too_short(key: str) -> bool:
    """True if ``key`` cannot hold 32 random bytes: base64 needs 43 characters for them, hexadecimal digits 64."""
    is_hex = re.fullmatch(r"[0-9a-fA-F]*", key) is not None
    return len(key) < (64 if is_hex else 43)


def repeats_itself(key: str) -> bool:
    """True if ``key`` is surely not random, however long: a text repeated has the strength of the text.

    Of 43 random characters fewer than one in a billion has so few different ones.
    """
    shortest = next(n for n in range(1, len(key) + 1) if key.startswith(key[n:]))
    return shortest < 32 or len(set(key)) < 8


@lru_cache(maxsize=8)
def _fernets(keys: tuple[str, ...]) -> list[Fernet]:
    derived = (hashlib.blake2b(k.encode(), digest_size=32, person=b"permille-secret").digest() for k in keys)
    return [Fernet(base64.urlsafe_b64encode(d)) for d in derived]


def _all() -> list[Fernet]:
    """The first seals; all of them unseal. SECRET_KEY sealed everything before there was a SEALING_KEY."""
    first = settings.SEALING_KEY or settings.SECRET_KEY
    return _fernets((first, *settings.SEALING_KEY_FALLBACKS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(plain: str) -> str:
    """Encrypt ``plain`` under SEALING_KEY, else SECRET_KEY (AES-128-CBC with HMAC-SHA256, as Fernet defines it)."""
    return _all()[0].encrypt(plain.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what :func:`seal` returned, also under an earlier key. Raises SecretUnreadable."""
    try:
        return MultiFernet(_all()).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable(
            "A stored secret cannot be read: the key that sealed it has changed. Put the old SEALING_KEY, or the old"
            " SECRET_KEY of a shop that had none, into SEALING_KEY_FALLBACKS."
        ) from None


def sealed_anew(sealed: str) -> str:
    """Return the same secret under today's key; ``sealed`` itself if it is. Raises SecretUnreadable."""
    try:
        _all()[0].decrypt(sealed.encode())
    except InvalidToken:
        return seal(unseal(sealed))
    return sealed


def key_warnings() -> list[str]:
    """Say which keys of the environment are weaker than they should be, without quoting one."""
    found = []
    if not settings.SEALING_KEY:
        found.append("Stored secrets are sealed with SECRET_KEY: set SEALING_KEY, see docs/upgrade.md, Keys.")
    for name in ("SECRET_KEY", "SEALING_KEY"):
        if (key := getattr(settings, name)) and repeats_itself(key):
            found.append(f"{name} is long, but not random: see docs/upgrade.md, Keys.")
    if any(is_too_short(key) or repeats_itself(key) for key in settings.SECRET_KEY_FALLBACKS):
        found.append("SECRET_KEY_FALLBACKS has a weak key, whose signatures still count: see docs/upgrade.md, Keys.")
    return found
