"""The mails of signing in and signing up: what django-allauth wants to send goes into the outbox."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.account import app_settings
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import dateformat, timezone
from django.utils.functional import Promise

from accounts.languages import mail_language
from accounts.password_limits import accounts_named, count_all, networks_of
from core.clock import database_now
from notices.models import Outbox, SendState
from notices.outbox import queue_mail

#: What opens an account; it is stored encrypted.
SECRETS = frozenset({"code", "key", "uid", "activate_url", "password_reset_url"})
#: allauth hands these to its templates; ours read none of them.
_LEFT_OUT = frozenset({"user", "request", "current_site", "email"})
#: Mails that a person waits for: their pages say when one cannot be delivered.
_WAITED_FOR = frozenset(
    {
        "account_already_exists", "email_confirmation", "email_confirmation_signup", "login_code", "unknown_account",
        "password_reset_code", "password_reset_key",
    }
)  # fmt: skip
#: Mails that anybody can have sent to a person by typing an address. Beyond these none is sent, and the page does not
#: say so: it would tell who has an account. The links of the mails before still work.
RATES = {
    "password_reset_key": "5/1h/key",
    "unknown_account": "1/1h/key",
    "unknown_account_from_network": "20/1h/key",
    "unknown_account_from_wide_network": "60/1h/key",
}
_SESSION_KEY = "account_mail"
#: A mail that is not sent after so long is late.
PATIENCE = timedelta(minutes=1)


def queue_account_mail(request: HttpRequest | None, template: str, email: str, context: Mapping[str, Any]) -> None:
    """Queue the mail that allauth calls ``template``; remember it in the session if a page waits for it.

    Mails in RATES that are too many are left out, and the page waits for the one before.
    """
    now, name = database_now(), template.rpartition("/")[2]
    words = {key: _plain(value, key) for key, value in context.items() if key not in _LEFT_OUT}
    lifetime = {
        "login_code": app_settings.LOGIN_BY_CODE_TIMEOUT,
        "password_reset_code": app_settings.PASSWORD_RESET_BY_CODE_TIMEOUT,
        "password_reset_key": settings.PASSWORD_RESET_TIMEOUT,
        "unknown_account": settings.PASSWORD_RESET_TIMEOUT,
    }.get(name, app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT if "code" in words else None)
    key = f"account:{secrets.token_hex(16)}"
    if request is not None and name in RATES:
        to = f"id:{context['user'].pk}" if "user" in context else f"email:{email.strip().lower()}"
        last = f"account_mail:{name}:{hashlib.sha256(to.encode()).hexdigest()}"
        if not _may_send(request, name, to):
            request.session[_SESSION_KEY] = cache.get(last, "")
            return
        cache.set(last, key, 3600)
    queue_mail(
        key=key,
        to=email,
        template=template,
        data={word: value for word, value in words.items() if word not in SECRETS},
        secret={word: value for word, value in words.items() if word in SECRETS},
        good_until=now + timedelta(seconds=lifetime) if lifetime is not None else None,
        language=mail_language(context.get("user"), request),
        now=now,
    )
    if request is not None and name in _WAITED_FOR:
        request.session[_SESSION_KEY] = key


def _may_send(request: HttpRequest, name: str, to: str) -> bool:
    """Count one mail of RATES; return False if there were too many."""
    counts = [(name, to)]
    if name == "unknown_account":
        network, wide = networks_of(request)
        counts += [(f"{name}_from_network", network), (f"{name}_from_wide_network", wide)]
    return count_all(request, counts, RATES) is not None


def forget_reset_mails(request: HttpRequest, *, email: str) -> None:
    """Let the accounts with that address have links by mail again: a new password ends those that were sent."""
    for account in accounts_named(email):
        key = f"id:{account.pk}"
        ratelimit.clear(request, app="accounts", action="password_reset_key", config=RATES, key=key)


def mail_trouble(request: HttpRequest) -> dict[str, str]:
    """Return what keeps the mail that this visitor waits for: ``kind`` is late, refused or given_up; empty if nothing.

    It is the same whether or not the address has an account, since each of them is sent some mail.
    """
    row = Outbox.objects.filter(key=request.session.get(_SESSION_KEY, "")).first()
    if row is None or row.state == SendState.SENT:
        return {}
    if row.state == SendState.WAITING:
        is_late = bool(row.error) or database_now() - row.queued_at > PATIENCE
        return {"kind": "late", "to": row.to} if is_late else {}
    return {"kind": row.state, "to": row.to}


def _plain(value: Any, key: str) -> Any:
    """A value as the outbox stores it. Links begin with SHOP_URL, not with the Host that the request came to."""
    if isinstance(value, datetime):
        return dateformat.format(timezone.localtime(value), "Y-m-d H:i e")
    if isinstance(value, Promise):
        return str(value)
    if key.endswith("_url"):
        return settings.SHOP_URL + urlsplit(value)._replace(scheme="", netloc="").geturl()
    return value
