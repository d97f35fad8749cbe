"""Lost orders at panels that name a charge late: after a while, or when the order has ended, or never."""

from datetime import timedelta

import pytest
from django.db.models import F

from accounts.models import User
from core.clock import SteadyClock, database_now, elapsed_clock
from orders.doubt import late_charges, orphan_search, probing
from orders.doubt.evidence import picture_of
from orders.doubt.hints import NAMED_BY_ANSWER
from orders.models import Order, OwnId, ProbeSchedule, ReconciliationBreak
from orders.states import Explanation, Forward
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
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing")]


def tells_charges(shop: Shop, *, shown: str = "null", after: float | None = None, share: float = 1) -> None:
    shop.simulator.control(late_charges={"share": share, "shown": shown, "after": after})


def ends(shop: Shop, order: Order, fate: str = "completed") -> None:
    """From now on the order goes another way at the provider."""
    [number] = id_at_provider(shop, order)
    shop.simulator.control(order_fates={number: fate})


def is_found(shop: Shop, order: Order) -> bool:
    order.refresh_from_db()
    return [order.upstream_id] == id_at_provider(shop, order)


def pending_orders(shop: Shop, who: User, number: int = 3) -> None:
    """Orders that the provider has not begun with, and that have been asked about: they show what remains means."""
    for place in range(number):
        shop.simulator.control(foreign=3)
        link = f"https://example.com/waits/{place}?fate=never_moves"
        shop.buys(who, quantity=300 + place, link=link)
        shop.forwards()
    Order.objects.filter(forward_state=Forward.PLACED).update(next_poll_at=database_now())
    shop.follows()


@pytest.mark.parametrize("shown", ["null", "zero", "empty", "absent"])
def test_a_charge_that_comes_after_some_minutes_shows_whose_the_id_is(shop: Shop, alice: User, shown: str) -> None:
    tells_charges(shop, shown=shown, after=300)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 4)
    own = OwnId.objects.get(upstream_id=id_at_provider(shop, lost)[0])
    assert not own.charge
    assert not is_found(shop, lost)
    first_seen = own.first_seen_at
    ages(shop, 150)
    resolves(shop, 1)
    assert is_found(shop, lost)
    own.refresh_from_db()
    assert own.charge == lost.expected_charge
    # It counts as seen when it was seen first, though what is kept of it came later.
    assert abs((own.first_seen_at - first_seen).total_seconds() + 181) < 120


def test_an_id_without_a_charge_is_asked_about_at_growing_pauses(shop: Shop, alice: User) -> None:
    tells_charges(shop)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 1)
    own = OwnId.objects.get(upstream_id=id_at_provider(shop, lost)[0])
    asked = []
    for _minute in range(20):
        ages(shop, 29)
        resolves(shop, 1)
        own.refresh_from_db()
        if own.asked_at is not None:
            asked.append(round((own.asked_at - own.first_seen_at).total_seconds()))
    times = sorted(set(asked))
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert len(times) <= 9
    assert pauses[-1] >= 4 * pauses[0]


def test_a_running_id_of_the_quantity_of_the_only_doubt_is_its(shop: Shop, alice: User) -> None:
    """The charge will be named when the order ends, and the order takes days: the whole bracket was searched before."""
    tells_charges(shop)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ends(shop, lost, "never_moves")
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 2)
    assert not is_found(shop, lost)  # something else may still turn up in its bracket
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 5)
    assert is_found(shop, lost)
    assert attempt_of(lost).evidence["bracket"]["charge"] is None


def test_a_canceled_order_whose_charge_was_never_told_is_found_by_what_remained(shop: Shop, alice: User) -> None:
    tells_charges(shop, shown="zero")
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ends(shop, lost, "never_moves")
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 1)
    ends(shop, lost, "canceled")
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 5)
    assert is_found(shop, lost)


@pytest.mark.parametrize("are_known", [True, False])
def test_two_doubts_of_two_quantities_are_told_apart_by_what_remains(shop: Shop, alice: User, are_known: bool) -> None:
    """Where it was not seen what remains means at this provider, both wait for the charge."""
    tells_charges(shop)
    pending_orders(shop, alice, 3 if are_known else 2)
    absent = buys_and_sends(shop, alice, quantity=800, fault=LOST_NOT_PLACED)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ends(shop, lost, "never_moves")
    ages(shop, 61)
    resolves(shop, 1)
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 5)
    absent.refresh_from_db()
    assert is_found(shop, lost) is are_known
    assert absent.forward_state == (Forward.QUEUED if are_known else Forward.IN_DOUBT)
    if not are_known:
        ends(shop, lost)
        ages(shop, SETTLE)
        resolves(shop, 3)
        absent.refresh_from_db()
        assert is_found(shop, lost)
        assert absent.forward_state == Forward.QUEUED


def test_of_two_doubts_of_one_quantity_none_is_guessed_at(shop: Shop, alice: User) -> None:
    """Neither before the charge is named nor after it; the owner has time until it is."""
    tells_charges(shop)
    pending_orders(shop, alice)
    doubts = [buys_and_sends(shop, alice, quantity=700, fault=f) for f in (LOST_NOT_PLACED, LOST_BUT_PLACED)]
    ages(shop, 61)
    resolves(shop, 1)
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 5)
    ages(shop, 1800)
    resolves(shop, 1)
    assert {order.attempts.get().outcome for order in doubts} == {"in_doubt"}
    assert Order.objects.filter(forward_state=Forward.IN_DOUBT).count() == 2
    ends(shop, doubts[1])
    ages(shop, 1800)
    resolves(shop, 2)
    assert {order.attempts.get().outcome for order in doubts} == {"in_doubt"}
    assert {attempt_of(order).evidence["review"]["because"] for order in doubts} == {"ambiguous"}


def test_an_id_named_in_a_spoiled_answer_is_asked_about_until_it_tells_its_charge(shop: Shop, alice: User) -> None:
    tells_charges(shop, shown="zero", after=200)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=1, fault="order_and_error_p")
    resolves(shop, 3)
    assert not is_found(shop, lost)
    asked = shop.simulator.record()["requests"]["actions"]["status"]
    ages(shop, 200)
    resolves(shop, 1)
    assert is_found(shop, lost)
    assert attempt_of(lost).evidence["resolved"]["how"] == NAMED_BY_ANSWER
    assert asked <= 8


def test_what_a_provider_says_remains_is_believed_only_while_it_holds(shop: Shop, alice: User) -> None:
    tells_charges(shop)
    pending_orders(shop, alice)
    buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 1)
    assert picture_of(shop.provider, now=database_now()).remains_are_reliable
    odd = Order.objects.filter(forward_state=Forward.PLACED, progress="pending").latest("id")
    for wrong in (F("total") - 1, F("total") + 1, None):
        Order.objects.filter(pk=odd.pk).update(remains=wrong)
        assert not picture_of(shop.provider, now=database_now()).remains_are_reliable


def test_the_charge_of_an_order_that_nobody_knows_reaches_the_books_late(shop: Shop, alice: User) -> None:
    """What it cost is known a day after it was listed, and the books need it all the same."""
    tells_charges(shop, after=4000)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    buys_and_sends(shop, alice, quantity=900)
    schedule = ProbeSchedule.objects.create(provider=shop.provider)
    probe = probing.Probe(shop.provider, SteadyClock(database_now()), elapsed_clock() + 30)
    orphan_search.scan_if_due(probe, schedule)
    row = ReconciliationBreak.objects.get(upstream_id=id_at_provider(shop, lost)[0])
    assert row.amount is None
    ages(shop, timedelta(days=1).total_seconds())
    late_charges.ask_about_orphans(probe)
    row.refresh_from_db()
    assert row.amount == lost.expected_charge
    assert OwnId.objects.get(upstream_id=row.upstream_id).explained == Explanation.ORPHAN
