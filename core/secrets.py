"""Secrets at rest: what must be usable again but never readable in a dump, a log or a page."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SecretUnreadable(Exception):
    """The stored secret was sealed under a SECRET_KEY that is no longer configured."""


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    derived = (hashlib.blake2b(k.encode(), digest_size=32, person=b"permille-secret").digest() for k in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(d)) for d in derived])


def _current() -> MultiFernet:
    return _box((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(plain: str) -> str:
    """Encrypt ``plain`` under SECRET_KEY (AES-128-CBC with HMAC-SHA256, as Fernet defines it)."""
    return _current().encrypt(plain.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what :func:`seal` made, also under SECRET_KEY_FALLBACKS. Raises SecretUnreadable."""
    try:
        return _current().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable(
            "A stored secret cannot be read: SECRET_KEY has changed. Put the old one into SECRET_KEY_FALLBACKS."
        ) from None
