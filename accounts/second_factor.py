"""Second factors: who has one, whether a session used it, and who may enter the admin without."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import User
from core.addresses import client_address
from core.refusals import Refusal
from core.shop_settings import shop_settings
from core.staff_actions import Actor, record_staff_action


class Admission(StrEnum):
    """Why the admin lets a member of staff in; empty if it does not."""

    SECOND_FACTOR = "second_factor"
    DEMO = "demo"
    FIRST_OWNER = "first_owner"
    NONE = ""


#: What counts as a factor. Recovery codes only stand in for one of these.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(person: AbstractBaseUser | AnonymousUser) -> bool:
    """True if ``person`` has set up an authenticator app or a passkey."""
    found: bool = is_mfa_enabled(person, types=list(FACTORS))
    return found


def used_second_factor(request: HttpRequest) -> bool:
    """True if this session was signed in to, or confirmed, with a second factor. A passkey alone counts as one."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))


def admission_of(request: HttpRequest) -> Admission:
    """Return what lets this member of staff into the admin; read once for each request.

    Without a factor there are two ways. A demo has nothing to protect while only its own machine reaches it. The first
    owner of a shop that was never opened, and has no customer yet, has to get in to set it up.
    """
    known: Admission | None = getattr(request, "admission", None)
    if known is None:
        known = request.admission = _admission(request)  # type: ignore[attr-defined]
    return known


def _admission(request: HttpRequest) -> Admission:
    if used_second_factor(request) and has_second_factor(request.user):
        return Admission.SECOND_FACTOR
    if settings.DEMO and not settings.SECURE_SSL_REDIRECT and _comes_from_this_machine(request):
        return Admission.DEMO
    if request.user.is_superuser and shop_settings().opened_at is None and not _has_customers():
        first_owner = User.objects.filter(is_superuser=True).order_by("pk").values_list("pk", flat=True).first()
        return Admission.FIRST_OWNER if first_owner == request.user.pk else Admission.NONE
    return Admission.NONE


def _has_customers() -> bool:
    """True once there is a customer, as `create_customer` adds them: then there may be money to protect."""
    return User.objects.filter(is_staff=False).exists()


def _comes_from_this_machine(request: HttpRequest) -> bool:
    """True for a browser here; false for one behind a proxy or tunnel that runs here."""
    address = client_address(request)
    return "HTTP_X_FORWARDED_FOR" not in request.META and bool(address) and ipaddress.ip_address(address).is_loopback


class NobodyThere(Refusal):
    """There is no such person."""

    code = "nobody_there"


@dataclass(frozen=True)
class Reset:
    """How many factors (recovery codes count as one) were removed, and how many sessions ended."""

    factors: int
    sessions: int


def reset_second_factor(*, email: str, actor: Actor, reason: str) -> Reset:
    """Remove every factor of the person with this address and end their sessions; mail them. Raises NobodyThere."""
    person = User.objects.filter(email__iexact=email.strip()).first()
    if person is None:
        raise NobodyThere(_("There is nobody with the address %(email)s.") % {"email": email[:100]})
    with transaction.atomic():
        removed = Authenticator.objects.filter(user=person)
        kinds = sorted(removed.values_list("type", flat=True))
        removed.delete()
        ended = end_sessions(person)
        record_staff_action(
            actor, "person.reset_second_factor", person, reason=reason, before={"factors": ", ".join(kinds)}
        )
        get_adapter().send_mail("account/email/second_factor_reset", person.email, {})
    return Reset(factors=len(kinds), sessions=ended)


def end_sessions(person: User) -> int:
    """Delete every session of ``person``; the session's own data says whose it is, so all are read."""
    ended = 0
    for session in Session.objects.iterator(chunk_size=1_000):
        if session.get_decoded().get(SESSION_KEY) == str(person.pk):
            session.delete()
            ended += 1
    UserSession.objects.filter(user=person).delete()
    return ended


@receiver(authenticator_added)
def _count_setup_as_use(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: object
) -> None:
    """Setting a factor up proves that one has it, so the session need not be asked for it once more."""
    if authenticator.type in FACTORS:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
