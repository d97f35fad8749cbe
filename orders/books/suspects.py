"""Orders that may be the reason for a difference in a provider's account."""

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from orders.models import ForwardAttempt, Order, OwnId
from orders.states import Forward, Outcome, Progress

SHOWN = 50

_IN_DOUBT = Exists(ForwardAttempt.objects.filter(order=OuterRef("pk"), outcome=Outcome.IN_DOUBT))
_PLACED = Q(forward_state=Forward.PLACED)
_OUR_CURRENCY = Q(answered_currency__in=["", F("provider__currency")], provider_currency=F("provider__currency"))

#: Why an order is a suspect -> label, and which ones are. Breaks store the keys.
REASONS: dict[str, tuple[str | Promise, Q]] = {
    "in_doubt": (_("in doubt: it may have been placed and charged"), Q(_IN_DOUBT)),
    "unheard": (_("its charge is not known yet"), _PLACED & Q(provider_charge=None)),
    "currency": (
        _("it was charged in another currency"),
        _PLACED & ~_OUR_CURRENCY,
    ),
    "kept": (
        _("canceled, and a charge is still shown"),
        _PLACED & Q(progress__in=[Progress.CANCELED, Progress.REFUNDED], provider_charge__gt=0),
    ),
    "changed": (
        _("charged otherwise than expected"),
        _PLACED & Q(progress__in=["", Progress.COMPLETED]) & ~Q(provider_charge=F("expected_charge")),
    ),
}


def suspects_of(provider: Provider) -> list[dict[str, Any]]:
    """``{"order": 1042, "why": "in_doubt", "expected": "0.9", "charge": None}`` for each, the newest first, bounded."""
    found: list[dict[str, Any]] = []
    for why, (_label, condition) in REASONS.items():
        rows: QuerySet[Order] = Order.objects.filter(condition, provider=provider).order_by("-id")
        found += [_suspect(order, why) for order in rows[: max(0, SHOWN - len(found))]]
    return found


def doubts_about(provider: Provider, upstream_id: str) -> list[dict[str, Any]]:
    """Orders in doubt that were sent before this id was first seen, so that it may be theirs; as suspects, bounded."""
    own = OwnId.objects.filter(provider=provider, upstream_id=upstream_id).first()
    if own is None:
        return []
    undecided = Order.objects.filter(provider=provider, forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])
    sent = ForwardAttempt.objects.annotate(began=Coalesce("sent_at", "claimed_at"))
    sent = sent.filter(order=OuterRef("pk"), outcome=Outcome.IN_DOUBT, began__lte=own.first_seen_at)
    return [_suspect(order, "in_doubt") for order in undecided.filter(Exists(sent)).order_by("-id")[:SHOWN]]


def _suspect(order: Order, why: str) -> dict[str, Any]:
    charge = None if order.provider_charge is None else f"{order.provider_charge.normalize():f}"
    return {"order": order.pk, "why": why, "expected": f"{order.expected_charge.normalize():f}", "charge": charge}
