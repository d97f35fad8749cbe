"""Known devices: a signed cookie set after a good sign-in, so that strangers' guesses do not keep the owner out.

The cookie opens nothing by itself. It only gives its device a count of wrong passwords of its own.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from accounts.models import User

#: Set in the session after a password change, until the device is known again.
NEW_PASSWORD = "new_password"  # noqa: S105
_SALT = "accounts.known_devices"
_AGE = timedelta(days=365)
#: Accounts one browser may be known to.
_ACCOUNTS = 5


def device_of(request: HttpRequest, account: User) -> str | None:
    """Return the id of the device if somebody signed in to ``account`` on it, under the password it has now."""
    for pk, device, proof in _read(request):
        if pk == account.pk and secrets.compare_digest(proof, _proof(account)):
            return device
    return None


def remember_device(request: HttpRequest, response: HttpResponseBase, account: User) -> None:
    """Make the browser that gets ``response`` a known device of ``account`` for a year, until its password changes."""
    device = device_of(request, account) or secrets.token_urlsafe(12)
    others = [entry for entry in _read(request) if entry[0] != account.pk]
    entries = [(account.pk, device, _proof(account)), *others][:_ACCOUNTS]
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(entries, salt=_SALT),
        max_age=_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _proof(account: User) -> str:
    """Changes with the password, so that a device is forgotten then."""
    return salted_hmac(_SALT, f"{account.pk}:{account.password}", algorithm="sha256").hexdigest()[:32]


def _read(request: HttpRequest) -> list[tuple[int, str, str]]:
    try:
        entries = signing.loads(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=_AGE)
    except signing.BadSignature:
        return []
    return [(pk, device, proof) for pk, device, proof in entries]
