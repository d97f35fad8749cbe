"""Mass orders are placed whole or not at all, once for a nonce, at the prices that were shown."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from billing import audit as money
from billing.ledger import NotEnoughMoney, WalletFrozen
from billing.models import Account, Hold, Transfer, WalletLine
from catalog.models import Provider, Service
from core.clock import database_now
from core.refusals import Refusal
from orders import audit
from orders.checkout import insert_many
from orders.mass import placing
from orders.mass.checking import Fault
from orders.mass.drafts import kept_for
from orders.mass.placing import NothingToPlace
from orders.models import EventKind, MassDraft, MassOrder, Order
from tests.orders.cast import Shop, balance, customer, service_of
from tests.orders.mass.cast import checked, lines_for, places

pytestmark = pytest.mark.django_db(transaction=True)

#: What 1,000 of the cast's service cost.
EACH = Decimal("1.17")


def unbalanced() -> list[Any]:
    return [finding.rows for finding in money.check([*money.EQUATIONS, *audit.EQUATIONS]) if not finding.holds]


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Run acts at the same time, each with a session of its own; return what each returned or refused."""
    start, results = threading.Barrier(len(acts)), list[Any]([None] * len(acts))

    def run(n: int, act: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            start.wait(30)
            results[n] = act()
        except Refusal as refusal:
            results[n] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_good_lines_are_placed_and_the_others_stay(shop: Shop, alice: User) -> None:
    text = f"{lines_for(shop.service, 3)}\n{shop.service.pk} | nowhere | 5\n999 | https://example.com/x | 10"
    placed = places(alice, text)
    assert (len(placed.mass.numbers), placed.mass.left, placed.mass.charge) == (3, 2, 3 * EACH)
    orders = list(Order.objects.order_by("id"))
    assert [order.pk for order in orders] == placed.mass.numbers
    assert [order.link for order in orders] == [f"https://example.com/m/{n}" for n in range(3)]
    assert balance(alice) == 100 - 3 * EACH
    assert kept_for(alice, now=database_now()).text.splitlines() == text.splitlines()[3:]
    for order in orders:
        assert Hold.objects.get(reference=order.reference).charged == order.charge == EACH
        assert order.events.get().kind == EventKind.ACCEPTED
    lines = WalletLine.objects.filter(wallet__customer=alice).order_by("number")
    assert [line.balance for line in lines] == [100, *(100 - n * EACH for n in (1, 2, 3))]
    assert unbalanced() == []


def test_an_order_of_many_is_the_same_as_an_order_alone(shop: Shop, alice: User) -> None:
    alone = shop.buys(alice, link="https://example.com/m/0")
    [number] = places(alice, lines_for(shop.service, 1)).mass.numbers
    rows: list[dict[str, Any]] = [{**row} for row in Order.objects.filter(pk__in=[alone.pk, number]).values()]
    differing = {name for name in rows[0] if rows[0][name] != rows[1][name]}
    assert differing <= {"id", "nonce", "created_at", "next_at", "source"}


def test_orders_of_many_are_sent_like_any_other(shop: Shop, alice: User, unhurried: None) -> None:
    places(alice, lines_for(shop.service, 5))
    shop.forwards()
    assert sorted(order["link"] for order in shop.accepted()) == [f"https://example.com/m/{n}" for n in range(5)]


def test_a_balance_too_small_places_nothing(shop: Shop, alice: User) -> None:
    text = lines_for(shop.service, 86)  # 100.62 in all
    MassDraft.objects.create(customer=alice, text="as it was", kept_at=database_now(), expires_at=database_now())
    with pytest.raises(NotEnoughMoney):
        places(alice, text)
    assert balance(alice) == 100
    assert (Order.objects.count(), MassOrder.objects.count()) == (0, 0)
    assert MassDraft.objects.get().text == "as it was"


def test_a_frozen_wallet_places_nothing(shop: Shop, alice: User) -> None:
    Account.objects.filter(customer=alice).update(frozen_at=database_now())
    with pytest.raises(WalletFrozen):
        places(alice, lines_for(shop.service, 2))
    assert not Order.objects.exists()


def test_a_line_whose_price_rose_is_not_placed_and_kept(shop: Shop, alice: User) -> None:
    other = service_of(shop.provider, "2")
    text = f"{lines_for(shop.service, 2)}\n{lines_for(other, 2, first=10)}"
    placed = places(alice, text, shown={shop.service.pk: EACH, other.pk: EACH - Decimal("0.01")})
    assert placed.mass.lines == [1, 2]
    kept = kept_for(alice, now=database_now())
    assert (kept.text, kept.risen) == (lines_for(other, 2, first=10), {other.pk: EACH - Decimal("0.01")})


def test_nothing_that_was_not_shown_is_placed(shop: Shop, alice: User) -> None:
    with pytest.raises(NothingToPlace):
        places(alice, lines_for(shop.service, 2), shown={})
    assert not Order.objects.exists()


def test_a_price_that_changes_at_the_last_moment_is_noticed(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = insert_many.write_orders, list[int]()

    def after_a_rise(**given: Any) -> bool:
        tries.append(1)
        if len(tries) == 1:
            together(lambda: Service.objects.filter(pk=shop.service.pk).update(price=EACH + 1))
        return real(**given)

    monkeypatch.setattr(placing, "write_orders", after_a_rise)
    with pytest.raises(NothingToPlace):
        places(alice, lines_for(shop.service, 2), shown={shop.service.pk: EACH})
    assert balance(alice) == 100
    assert (Order.objects.count(), MassOrder.objects.count()) == (0, 0)


def test_the_same_nonce_ten_times_places_once(shop: Shop, alice: User) -> None:
    text = lines_for(shop.service, 40)  # the money would do for two
    results = together(*[lambda: places(alice, text, shown={shop.service.pk: EACH})] * 10)
    assert {result.mass.pk for result in results} == {MassOrder.objects.get().pk}
    assert [result.is_repeat for result in results].count(False) == 1
    assert (Order.objects.count(), balance(alice)) == (40, 100 - 40 * EACH)


def test_two_mass_orders_of_one_wallet_at_once_spend_it_once(shop: Shop, alice: User) -> None:
    shown = {shop.service.pk: EACH}
    acts = [
        lambda nonce=nonce, first=first: places(
            alice, lines_for(shop.service, 60, first=first), shown=shown, nonce=nonce
        )
        for nonce, first in (("a", 0), ("b", 100))
    ]
    results = together(*acts)
    assert sorted(isinstance(result, NotEnoughMoney) for result in results) == [False, True]
    assert (Order.objects.count(), balance(alice)) == (60, 100 - 60 * EACH)
    assert unbalanced() == []


def test_a_mass_order_beside_single_orders_at_the_last_cent(shop: Shop) -> None:
    alice = customer("carol@example.com", str(EACH * 30))
    shown = {shop.service.pk: EACH}
    single = [lambda n=n: shop.buys(alice, link=f"https://example.com/s/{n}", source="api") for n in range(8)]
    results = together(lambda: places(alice, lines_for(shop.service, 25), shown=shown), *single)
    left = balance(alice)
    assert left >= 0
    assert left == EACH * (30 - Order.objects.count())
    placed = Order.objects.filter(source="mass").count()
    assert placed in (0, 25)
    assert (placed == 0) == isinstance(results[0], NotEnoughMoney)
    assert Transfer.objects.filter(code="hold").count() == Order.objects.count()
    assert unbalanced() == []


def test_lines_for_one_link_wait_for_each_other_where_the_service_says_so(shop: Shop, alice: User) -> None:
    Provider.objects.update(same_link="wait")
    first = shop.buys(alice, link="https://example.com/w")
    text = f"{shop.service.pk} | https://example.com/w | 10\n{shop.service.pk} | example.com/w/ | 20"
    assert [c.same_link for c in checked(alice, text)] == [
        f"Line 1 waits for your order #{first.pk}: same link.",
        "Line 2 waits for line 1: same link.",
    ]
    one, two = Order.objects.filter(pk__in=places(alice, text).mass.numbers).order_by("id")
    assert (one.waits_for_id, two.waits_for_id) == (first.pk, one.pk)
    assert one.next_at is None
    assert two.next_at is None


def test_a_second_line_for_a_link_is_refused_where_the_service_says_so(shop: Shop, alice: User) -> None:
    Provider.objects.update(same_link="refuse")
    text = f"{shop.service.pk} | https://example.com/w | 10\n{shop.service.pk} | https://example.com/w | 20"
    [good, bad] = checked(alice, text)
    assert good.quote is not None
    assert (bad.fault, bad.refusal[:27]) == (Fault.SAME_LINK, "Line 1 is for this link too")
    places(alice, text)
    assert Order.objects.count() == 1
    with pytest.raises(NothingToPlace):
        places(alice, text, nonce="two")


def test_two_mass_orders_for_one_link_at_once_place_one_where_the_service_takes_one(shop: Shop, alice: User) -> None:
    Provider.objects.update(same_link="refuse")
    text, shown = f"{shop.service.pk} | https://example.com/w | 10", {shop.service.pk: EACH}
    results = together(*(lambda n=n: places(alice, text, shown=shown, nonce=f"{n}") for n in range(6)))
    assert Order.objects.count() == 1
    assert sum(isinstance(result, NothingToPlace) for result in results) == 5


def test_a_mass_order_of_drip_feeds_and_comments(shop: Shop, alice: User) -> None:
    shop.service.source.dripfeed = True
    shop.service.source.save()
    comments = service_of(shop.provider, "2", type="custom_comments", rate=Decimal(8), max=100)
    text = (
        f"{shop.service.pk} | https://example.com/d | 100 | 3 | 10\n{comments.pk} | https://example.com/c\nGreat\nNice"
    )
    places(alice, text)
    drip, commented = Order.objects.order_by("id")
    assert (drip.runs, drip.interval, drip.total) == (3, 10, 300)
    assert (commented.fields["comments"], commented.quantity) == ("Great\nNice", 2)


def test_a_large_one_takes_no_more_queries_than_a_small_one(
    shop: Shop, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    alice = customer("dora@example.com", "10000")
    with django_assert_max_num_queries(30):
        places(alice, lines_for(shop.service, 500), shown={shop.service.pk: EACH})
    assert Order.objects.count() == 500
