"""Orders of our key that nobody knows: found by a daily scan, listed, and no explanation of anything."""

from decimal import Decimal

import pytest

from accounts.models import User
from notices.models import Alert
from orders import decisions
from orders.models import (
    Explanation,
    ForwardAttempt,
    Order,
    OwnId,
    ProbeDesk,
)
from orders.states import Forward, Outcome
from tests.orders.cast import Shop
from tests.orders.doubts import (
    LOST_BUT_PLACED,
    LOST_NOT_PLACED,
    SETTLE,
    ages,
    attempt_of,
    buys_and_sends,
    id_at_provider,
    resolves,
    unguarded,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing")]


def test_an_orphan_is_listed_and_explains_nothing(shop: Shop, alice: User) -> None:
    """A scan during a doubt meets the lost order itself. Listing it must not make the doubt look unplaced."""
    buys_and_sends(shop, alice, quantity=500)
    first = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    second = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 9)
    ProbeDesk.objects.update(next_scan_at=None)
    ages(shop, 1)
    resolves(shop, 6)
    own = OwnId.objects.get(upstream_id=id_at_provider(shop, first)[0])
    assert own.explained == Explanation.ORPHAN
    assert {attempt_of(o).outcome for o in (first, second)} == {Outcome.IN_DOUBT}


def test_orders_of_our_key_that_nobody_knows_are_found_within_a_day(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    stranger = shop.buys(alice, quantity=333, link="https://example.com/p/elsewhere?fate=stuck")
    shop.forwards()
    _forget(stranger)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    orphan = OwnId.objects.get(explained=Explanation.ORPHAN)
    assert orphan.charge == Decimal("0.2997")
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:orphans").exists()
    assert decisions.mark_foreign(own_id=orphan.pk, actor="owner", reason="my other tool")
    assert not decisions.mark_foreign(own_id=orphan.pk, actor="owner", reason="my other tool")


def _forget(order: Order) -> None:
    """As if something else had ordered it with our key."""
    attempts = ForwardAttempt.objects.filter(order=order)
    with unguarded():
        OwnId.objects.filter(attempt__in=attempts).delete()
        attempts.update(outcome=Outcome.REFUSED, upstream_id=None)
        Order.objects.filter(pk=order.pk).update(forward_state=Forward.REFUSED, upstream_id=None, next_poll_at=None)
