"""Sessions of people: staff with a second factor, as the admin demands, and customers who were asked again just now."""

import time
from typing import Any

from allauth.account.internal.flows import login
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt, encrypt
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.models import User

PASSWORD_OF_TESTS = "correct horse battery"


def sign_in_staff(person: User, client: Client | None = None, *, confirmed: bool = True) -> Client:
    """Sign ``person`` in with an authenticator app. ``confirmed``: asked again just now, as before money moves."""
    client = client or Client()
    client.force_login(person)
    app, _is_new = Authenticator.objects.get_or_create(
        user=person, type=Authenticator.Type.TOTP, defaults={"data": {"secret": encrypt(generate_totp_secret())}}
    )
    _record(client, person, {"method": "mfa", "id": app.pk, "type": app.type}, confirmed=confirmed)
    return client


def sign_in_customer(person: User, client: Client | None = None, *, confirmed: bool = True) -> Client:
    """Sign ``person`` in with a password. ``confirmed``: asked for it again just now."""
    client = client or Client()
    client.force_login(person)
    _record(client, person, {"method": "password"}, confirmed=confirmed)
    return client


def _record(client: Client, person: User, method: dict[str, Any], *, confirmed: bool) -> None:
    """Write into the session what allauth writes when somebody proves who they are."""
    session = client.session
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [
        {**method, "at": time.time(), **({"reauthenticated": True} if confirmed else {})}
    ]
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(person.pk)
    session.save()
    UserSession.objects.get_or_create(session_key=session.session_key, user=person, defaults={"ip": "127.0.0.1"})


def code_of(person: User, *, later: int = 0, lasts: float = 1) -> str:
    """What the authenticator app of ``person`` shows now, or ``later`` times 30 seconds from now."""
    app = Authenticator.objects.get(user=person, type=Authenticator.Type.TOTP)
    return code_for(decrypt(app.data["secret"]), later=later, lasts=lasts)


def code_for(secret: str, *, later: int = 0, lasts: float = 1) -> str:
    """What an app makes of ``secret``; near the end of the half minute it waits for the next code."""
    if (left := 30 - time.time() % 30) < lasts:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))
