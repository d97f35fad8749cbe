"""A refusal in words that no table explains is believed only after a cheap look at whether something was bought.

The panel may have said "placed" in its own language. Either the balance did not fall, or the ids that an order of that
moment would have got are all not ours; if neither can be shown, the order stays in doubt.
"""

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, Sum

from catalog.models import Provider
from catalog.providers.connection import client_for
from core.clock import database_now
from orders.models import ChildOrder, ForwardAttempt
from orders.states import Outcome
from upstream.errors import ErrorClass, InDoubt, Refused, Unavailable
from upstream.messages import ItemError, OrderStatus

log = logging.getLogger(__name__)

#: A balance read longer before the send than this may have moved for many reasons.
_FRESH = timedelta(seconds=60)
#: So many of our newest ids must have grown one after another before ids can prove anything.
_WITNESSES = 6
_LEAST_LOOK = 20
#: A balance is taken to be shown to the cent at least, also when it happens to be a whole number.
_CENT = Decimal("0.01")


def judged(attempt: ForwardAttempt, result: Refused) -> Refused | InDoubt:
    """The refusal itself when nothing was bought, as far as can be seen from outside; else a doubt."""
    provider = Provider.objects.get(pk=attempt.provider_id)
    if _balance_stood_still(provider, attempt) or _no_id_is_ours(provider, attempt):
        return result
    return InDoubt("unlisted_text", result.text, result.exchange, error_class=ErrorClass.OTHER)


def _balance_stood_still(provider: Provider, attempt: ForwardAttempt) -> bool:
    before, read_at = provider.balance, provider.balance_at
    if before is None or read_at is None or not _is_comparable(provider, attempt, read_at):
        return False
    try:
        heard = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).balance()
    except Unavailable as failure:
        log.warning("balance after an unknown refusal: %s", failure.reason)
        return False
    charge = attempt.order.expected_charge
    if charge < min(_CENT, _last_place(before), _last_place(heard.amount)) or heard.currency not in (
        None,
        provider.currency,
    ):
        return False  # a purchase this small need not show in the figure
    expected = before - _spent_since(provider, attempt, read_at)
    return abs(heard.amount - expected) < charge / 2


def _last_place(amount: Decimal) -> Decimal:
    """One unit of the last decimal that a figure shows."""
    exponent = amount.normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(exponent, 0)) if isinstance(exponent, int) else Decimal(1)


def _is_comparable(provider: Provider, attempt: ForwardAttempt, read_at: datetime) -> bool:
    """Read just before the send, or at any time when this is the first order there: nothing else can have moved it."""
    sent_at = ForwardAttempt.objects.values_list("sent_at", flat=True).get(pk=attempt.pk)
    if sent_at is None or read_at > sent_at:
        return False
    others = ForwardAttempt.objects.filter(provider=provider, sent_at__isnull=False).exclude(order=attempt.order_id)
    return sent_at - read_at <= _FRESH or not others.exists()


def _spent_since(provider: Provider, attempt: ForwardAttempt, read_at: datetime) -> Decimal:
    """What our other orders were to cost that left after the reading. A doubtful one makes the figure useless."""
    later = ForwardAttempt.objects.filter(provider=provider, sent_at__gte=read_at).exclude(pk=attempt.pk)
    spent = later.filter(outcome__in=[Outcome.SENDING, Outcome.IN_DOUBT, Outcome.PLACED]).aggregate(
        cost=Sum("order__expected_charge"), doubtful=Sum("order__expected_charge", filter=~Q(outcome=Outcome.PLACED))
    )
    return Decimal("Infinity") if spent["doubtful"] else spent["cost"] or Decimal(0)


def _no_id_is_ours(provider: Provider, attempt: ForwardAttempt) -> bool:
    """Whether the ids after our newest are all foreign, at a provider whose ids grow; false when it cannot be told."""
    last = list(
        ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.PLACED, sent_at__isnull=False)
        .order_by("-sent_at", "-id")
        .values_list("sent_at", "upstream_id")[:_WITNESSES]
    )
    own = [(at, int(i)) for at, i in last if at is not None and i is not None and i.isdigit() and len(i) < 19]
    grows = all(newer > older for (_a, newer), (_b, older) in zip(own, own[1:], strict=False))
    if len(own) < _WITNESSES or not grows:
        return False
    look = _how_far(own, database_now())
    if look >= provider.batch_size:
        return False  # before the ids are counted off: where they hold the time, there are millions a second
    known = set(
        ChildOrder.objects.filter(provider=provider).order_by("-id").values_list("upstream_id", flat=True)[:500]
    )
    newest = own[0][1]
    after = [str(i) for i in range(newest + 1, newest + 1 + look) if str(i) not in known]
    return _are_foreign(provider, str(newest), after)


def _how_far(own: list[tuple[datetime, int]], now: datetime) -> int:
    """How many ids after our newest an order of this moment may have got, by the pace at which they grew."""
    (newest_at, newest), (oldest_at, oldest) = own[0], own[-1]
    a_second = (newest - oldest) / max((newest_at - oldest_at).total_seconds(), 0.001)
    return _LEAST_LOOK + int(3 * a_second * max((now - newest_at).total_seconds(), 0))


def _are_foreign(provider: Provider, newest: str, after: list[str]) -> bool:
    try:
        found = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).statuses([newest, *after])
    except Unavailable as failure:
        log.warning("ids after an unknown refusal: %s", failure.reason)
        return False
    # Our newest order is the control: a call that does not know even that one says nothing about the others.
    return isinstance(found[newest], OrderStatus) and all(
        isinstance(item, ItemError) and item.error_class is ErrorClass.UNKNOWN_ORDER for item in map(found.get, after)
    )
