"""Encrypt stored secrets, so that no dump, log or page shows them."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SecretUnreadable(Exception):
    """The secret was encrypted under a SECRET_KEY that is no longer configured."""


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    derived = (hashlib.blake2b(k.encode(), digest_size=32, person=b"permille-secret").digest() for k in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(d)) for d in derived])


def seal(plain: str) -> str:
    """Encrypt ``plain`` under SECRET_KEY (AES-128-CBC with HMAC-SHA256, as Fernet defines it)."""
    return _fernet((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)).encrypt(plain.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what :func:`seal` returned, also under SECRET_KEY_FALLBACKS. Raises SecretUnreadable."""
    try:
        return _fernet((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable(
            "A stored secret cannot be read: SECRET_KEY has changed. Put the old one into SECRET_KEY_FALLBACKS."
        ) from None
