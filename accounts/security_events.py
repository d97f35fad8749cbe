"""Writes into the security log what Django and allauth announce about accounts."""

from typing import Any

from allauth.account import signals as account
from allauth.account.authentication import get_authentication_records
from allauth.mfa import signals as mfa
from allauth.usersessions.models import UserSession
from django.contrib.auth import signals as auth
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.password_limits import accounts_named
from core.addresses import client_address
from core.security_log import Event, log_security


def actor_of(person: Any) -> str:
    """Return "staff:17", "customer:12" or "visitor"."""
    if person is None or not person.is_authenticated:
        return "visitor"
    return f"{'staff' if person.is_staff else 'customer'}:{person.pk}"


def log_event(event: Event, request: HttpRequest | None, person: Any = None, **facts: object) -> None:
    """Write one line about ``request``; the actor is ``person``, else the signed-in user."""
    signed_in = getattr(request, "user", None)
    address = client_address(request) if request else None
    log_security(event, actor=actor_of(person or signed_in), address=address, **facts)


def account_meant(email: str) -> str:
    """Return whose account somebody tried who typed ``email``, or "unknown"."""
    return ",".join(actor_of(person) for person in accounts_named(email)) or "unknown"


@receiver(auth.user_logged_in)
def _signed_in(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    methods = [str(record.get("type") or record.get("method")) for record in get_authentication_records(request, user)]
    log_event(Event.SIGNED_IN, request, user, method=",".join(methods) or "-")


@receiver(auth.user_login_failed)
def _sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """A wrong password. The account is named when there is one; what was typed is never written."""
    log_event(Event.SIGN_IN_FAILED, request, account=account_meant(str(credentials.get("email", ""))))


@receiver(auth.user_logged_out)
def _signed_out(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    if user is not None:
        log_event(Event.SIGNED_OUT, request, user)
        UserSession.objects.filter(session_key=request.session.session_key).delete()


@receiver(account.authentication_step_completed)
def _confirmed(request: HttpRequest, user: Any, method: str, **kwargs: Any) -> None:
    if kwargs.get("reauthenticated"):
        log_event(Event.CONFIRMED, request, user, method=kwargs.get("type") or method)


@receiver(mfa.authenticator_added)
def _factor_added(request: HttpRequest, user: Any, authenticator: Any, **_kwargs: Any) -> None:
    log_event(Event.FACTOR_ADDED, request, user, type=authenticator.type)


@receiver(mfa.authenticator_reset)
def _codes_renewed(request: HttpRequest, user: Any, authenticator: Any, **_kwargs: Any) -> None:
    log_event(Event.FACTOR_ADDED, request, user, type=authenticator.type)


@receiver(mfa.authenticator_removed)
def _factor_removed(request: HttpRequest, user: Any, authenticator: Any, **_kwargs: Any) -> None:
    log_event(Event.FACTOR_REMOVED, request, user, type=authenticator.type)


@receiver(mfa.authenticator_used)
def _factor_used(request: HttpRequest, user: Any, authenticator: Any, **_kwargs: Any) -> None:
    log_event(Event.FACTOR_USED, request, user, type=authenticator.type)


@receiver(mfa.authentication_failed)
def _factor_failed(request: HttpRequest, user: Any, authenticator: Any, **_kwargs: Any) -> None:
    log_event(Event.FACTOR_FAILED, request, user, type=authenticator.type)


@receiver(account.password_changed)
@receiver(account.password_set)
def _password_changed(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    log_event(Event.PASSWORD_CHANGED, request, user, how="signed_in")


@receiver(account.password_reset)
def _password_reset(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    log_event(Event.PASSWORD_CHANGED, request, user, how="mail")


@receiver(account.email_changed)
def _address_changed(request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    log_event(Event.ADDRESS_CHANGED, request, user)
