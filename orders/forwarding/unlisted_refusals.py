"""A refusal in words that no table explains is believed only after a cheap check that nothing was bought.

The provider may have said "placed" in its own language. Either the balance stood still, or the ids that an order of
that moment would have got are all not ours; if neither can be shown, the order stays in doubt.
"""

import logging
from decimal import Decimal

from django.conf import settings

from catalog.models import Provider
from catalog.providers.connection import client_for
from core.clock import database_now
from orders import id_search
from orders.forwarding import balance_hint
from orders.models import ChildOrder, ForwardAttempt
from orders.states import Outcome
from upstream.errors import ErrorClass, InDoubt, Refused, Unavailable

log = logging.getLogger(__name__)

#: This many of our newest ids must have grown one after another before ids can prove anything.
_WITNESSES = 6
_FEWEST_ASKED = 20
#: A balance is taken to be shown to the cent at least, also when it happens to be a whole number.
_CENT = Decimal("0.01")


def judged(attempt: ForwardAttempt, result: Refused) -> Refused | InDoubt:
    """Return the refusal itself if nothing was bought, as far as can be seen from outside; else a doubt."""
    provider = Provider.objects.get(pk=attempt.provider_id)
    if _balance_stood_still(provider, attempt) or _next_ids_are_foreign(provider):
        return result
    return InDoubt("unlisted_text", result.text, result.exchange, error_class=ErrorClass.OTHER)


def _balance_stood_still(provider: Provider, attempt: ForwardAttempt) -> bool:
    """Return True if the balance did not fall by this order's charge since it was read; False if that is unknown."""
    # 1. Comparable: read just before the send, or at any time before it if no other order was ever sent there.
    before, before_at = provider.balance, provider.balance_at
    sent_at = ForwardAttempt.objects.values_list("sent_at", flat=True).get(pk=attempt.pk)
    if before is None or before_at is None or sent_at is None or before_at > sent_at:
        return False
    others = ForwardAttempt.objects.filter(provider=provider, sent_at__isnull=False).exclude(order=attempt.order_id)
    if sent_at - before_at > balance_hint.FRESH and others.exists():
        return False
    # 2. Read again, without keeping it: the figure of before is still the one to compare with if this is a doubt.
    try:
        balance = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).balance()
    except Unavailable as failure:
        log.warning("balance after an unknown refusal: %s", failure.reason)
        return False
    if balance.currency not in (None, provider.currency):
        return False
    # 3. Large enough: a purchase below the last decimal that is shown need not show in the figure.
    charge = attempt.order.expected_charge
    if charge < min(_CENT, _last_place(before), _last_place(balance.amount)):
        return False
    # 4. Unchanged, but for what our other orders took; one that is in doubt makes the figure useless.
    fall = balance_hint.measure_fall(attempt, before=before, before_at=before_at, after=balance.amount)
    return not fall.undecided and fall.is_by(Decimal(0), within=charge / 2)


def _last_place(amount: Decimal) -> Decimal:
    """Return one unit of the last decimal that a figure shows."""
    exponent = amount.normalize().as_tuple().exponent
    return Decimal(1).scaleb(min(exponent, 0)) if isinstance(exponent, int) else Decimal(1)


def _next_ids_are_foreign(provider: Provider) -> bool:
    """Return True if the ids after our newest are all not ours; False if that cannot be shown."""
    # 1. The ids there grow: each of our newest orders got a higher one than the order before it.
    last = list(
        ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.PLACED, sent_at__isnull=False)
        .order_by("-sent_at", "-id")
        .values_list("sent_at", "upstream_id")[:_WITNESSES]
    )
    own = [(at, int(i)) for at, i in last if at is not None and i is not None and i.isdigit() and len(i) < 19]
    grows = all(newer > older for (_a, newer), (_b, older) in zip(own, own[1:], strict=False))
    if len(own) < _WITNESSES or not grows:
        return False
    # 2. How many an order of this moment may be above our newest, by three times the pace at which they grew.
    (newest_at, newest), (oldest_at, oldest) = own[0], own[-1]
    a_second = (newest - oldest) / max((newest_at - oldest_at).total_seconds(), 0.001)
    count = _FEWEST_ASKED + int(3 * a_second * max((database_now() - newest_at).total_seconds(), 0))
    if count >= provider.batch_size:
        return False  # checked before the ids are counted off: where they encode the time, a second holds millions
    # 3. One call asks for them all, except the children of our own orders. Our newest order is its control: a call
    #    that does not know even that one proves nothing about the others.
    children = ChildOrder.objects.filter(provider=provider).order_by("-id").values_list("upstream_id", flat=True)
    known = set(children[:500])
    next_ids = [n for n in range(newest + 1, newest + 1 + count) if str(n) not in known]
    client = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS)
    try:
        answers = id_search.ask_with_controls(client.statuses, next_ids, [newest])
    except Unavailable as failure:
        log.warning("ids after an unknown refusal: %s", failure.reason)
        return False
    return answers is not None and all(map(id_search.is_refused, answers.values()))
