"""Sessions of staff: signed in with a second factor, as the admin demands."""

import time
from typing import Any

from allauth.account.internal.flows import login
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt, encrypt
from django.test import Client

from accounts.models import User


def sign_in_staff(person: User, client: Client | None = None, *, confirmed: bool = True) -> Client:
    """Sign ``person`` in with an authenticator app. ``confirmed``: asked again just now, as before money moves."""
    client = client or Client()
    client.force_login(person)
    app, _is_new = Authenticator.objects.get_or_create(
        user=person, type=Authenticator.Type.TOTP, defaults={"data": {"secret": encrypt(generate_totp_secret())}}
    )
    record: dict[str, Any] = {"method": "mfa", "at": time.time(), "id": app.pk, "type": app.type}
    session = client.session
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [record | ({"reauthenticated": True} if confirmed else {})]
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(person.pk)
    session.save()
    return client


def code_of(person: User, *, later: int = 0) -> str:
    """What the authenticator app of ``person`` shows now, or ``later`` times 30 seconds from now."""
    app = Authenticator.objects.get(user=person, type=Authenticator.Type.TOTP)
    return format_hotp_value(hotp_value(decrypt(app.data["secret"]), int(time.time()) // 30 + later))
