"""Order forms that are kept while somebody signs up or adds funds.

A visitor's draft belongs to the session that left it, by a secret within the session. Signing in gives the drafts of
the last hours to the customer; signing out ends the session, and with it the way to what it left.
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.password_limits import count_all, networks_of
from core.clock import database_now
from core.refusals import Refusal
from orders.models import OrderDraft

KEPT = timedelta(days=7)
#: A visitor's draft ends sooner: the next person at the browser may be somebody else.
KEPT_FOR_VISITORS = timedelta(hours=2)
#: Drafts of one person; the oldest go first.
MOST = 20
MOST_CHARACTERS = 200_000
#: Anybody may leave these, so they hold less.
MOST_CHARACTERS_OF_VISITORS = 20_000
RATES = {"draft_from_network": "60/1h/key", "draft_from_wide_network": "300/1h/key"}
_SECRET = "order_drafts"  # noqa: S105 - the name under which the session holds it


class NotKept(Refusal):
    """The form is too long to keep, or too many were kept from the same network."""

    code = "draft_not_kept"


def keep_for_customer(customer: User, service_id: int, typed: Mapping[str, str], *, now: datetime) -> None:
    """Keep what ``customer`` typed for a service, in place of what was kept before. Raises NotKept if too long."""
    _keep({"customer": customer}, service_id, _bounded(typed, MOST_CHARACTERS), now, now + KEPT)


def keep_for_visitor(request: HttpRequest, service_id: int, typed: Mapping[str, str], *, now: datetime) -> None:
    """Keep what a visitor typed for a service, bound to the session. Raises NotKept beyond the limits."""
    fields = _bounded(typed, MOST_CHARACTERS_OF_VISITORS)
    network, wide = networks_of(request)
    if count_all(request, [("draft_from_network", network), ("draft_from_wide_network", wide)], RATES) is None:
        raise NotKept(_("What you filled in could not be kept, because too many forms came from your network."))
    secret = request.session.setdefault(_SECRET, secrets.token_urlsafe(32))
    _keep({"visitor": _digest(secret)}, service_id, fields, now, now + KEPT_FOR_VISITORS)


def kept_for(customer: User, service_id: int, *, now: datetime) -> dict[str, str]:
    """Return what is kept for this customer and service; empty without a draft."""
    return _kept({"customer": customer}, service_id, now)


def kept_for_visitor(request: HttpRequest, service_id: int, *, now: datetime) -> dict[str, str]:
    """Return what this session kept for a service; empty without a draft."""
    secret = request.session.get(_SECRET)
    return _kept({"visitor": _digest(secret)}, service_id, now) if secret else {}


def forget(customer: User, service_id: int) -> None:
    """Delete the draft of this customer for a service, if there is one."""
    OrderDraft.objects.filter(customer=customer, service=service_id).delete()


def forget_expired(*, now: datetime) -> int:
    """Delete all drafts whose time is over; return how many there were."""
    deleted, _by_model = OrderDraft.objects.filter(expires_at__lte=now).delete()
    return deleted


def take_over(sender: Any, *, request: HttpRequest, user: User, **_more: Any) -> None:
    """Give the drafts of this session to the customer who signs in; those that have ended are deleted."""
    secret = request.session.pop(_SECRET, None)
    if secret is None:
        return
    now = database_now()
    with transaction.atomic():
        left = OrderDraft.objects.filter(visitor=_digest(secret)).select_for_update()
        fresh = [draft for draft in left if draft.expires_at > now]
        OrderDraft.objects.filter(customer=user, service__in=[draft.service_id for draft in fresh]).delete()
        left.filter(pk__in=[draft.pk for draft in fresh]).update(customer=user, visitor=None, expires_at=now + KEPT)
        OrderDraft.objects.filter(visitor=_digest(secret)).delete()
        _drop_oldest({"customer": user})


def _kept(owner: dict[str, Any], service_id: int, now: datetime) -> dict[str, str]:
    found = OrderDraft.objects.filter(service=service_id, expires_at__gt=now, **owner).first()
    return dict(found.fields) if found else {}


def _keep(owner: dict[str, Any], service_id: int, fields: dict[str, str], now: datetime, expires_at: datetime) -> None:
    with transaction.atomic():
        values = {"fields": fields, "kept_at": now, "expires_at": expires_at}
        OrderDraft.objects.update_or_create(service_id=service_id, **owner, defaults=values)
        _drop_oldest(owner)


def _drop_oldest(owner: dict[str, Any]) -> None:
    own = OrderDraft.objects.filter(**owner)
    newest = list(own.order_by("-kept_at", "-pk").values_list("pk", flat=True)[:MOST])
    own.exclude(pk__in=newest).delete()


def _bounded(typed: Mapping[str, str], most: int) -> dict[str, str]:
    # The column takes no NUL, which no field may hold anyway.
    fields = {name: value.replace("\0", "") for name, value in typed.items() if value}
    if sum(map(len, fields.values())) > most:
        raise NotKept(_("What you filled in is too long to be kept. Copy it before you leave this page."))
    return fields


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
