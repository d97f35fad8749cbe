"""Orders that may be the reason for a difference in a provider's account."""

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from orders.models import ForwardAttempt, Order
from orders.states import Forward, Outcome, Progress

SHOWN = 50

_IN_DOUBT = Exists(ForwardAttempt.objects.filter(order=OuterRef("pk"), outcome=Outcome.IN_DOUBT))
_PLACED = Q(forward_state=Forward.PLACED)
_OUR_CURRENCY = Q(heard_currency__in=["", F("provider__currency")], provider_currency=F("provider__currency"))

#: Why an order is a suspect -> which ones are.
WHYS: dict[str, tuple[str | Promise, Q]] = {
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
    for why, (_words, condition) in WHYS.items():
        rows: QuerySet[Order] = Order.objects.filter(condition, provider=provider).order_by("-id")
        for order in rows[: max(0, SHOWN - len(found))]:
            charge = None if order.provider_charge is None else f"{order.provider_charge.normalize():f}"
            expected = f"{order.expected_charge.normalize():f}"
            found.append({"order": order.pk, "why": why, "expected": expected, "charge": charge})
    return found
