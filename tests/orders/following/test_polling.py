"""Asking how orders do: how often, how many in a call, and what follows when a call fails."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders.following import poll
from orders.following.batches import Batch
from orders.models import Order
from orders.states import Forward, Progress
from orders.timetable import backoff, next_poll
from tests.orders.answers import answered, bought
from tests.orders.cast import Shop
from upstream.client import ProviderClient
from upstream.errors import ErrorClass, Unavailable
from upstream.messages import ItemError, StatusItem

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_order_that_stays_unknown_after_an_outage_is_shown_to_the_owner(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    batch = Batch(shop.provider, {str(order.upstream_id): order.pk}, database_now())
    for _time in range(11):
        poll.record_failure(batch, Unavailable("timeout", outage=True), now=database_now())
    order = answered(shop, order, ItemError(ErrorClass.UNKNOWN_ORDER))
    assert order.poll_misses == 12
    assert order.needs_review


def test_a_hundred_ids_go_in_one_call_and_every_order_gets_its_turn(shop: Shop, alice: User, settings: Any) -> None:
    settings.POLL_SECONDS = 600
    for number in range(130):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{number}")
    while shop.forwards():
        pass
    before = shop.simulator.record()["requests"]["actions"].get("status", 0)
    assert shop.follows() == 130
    assert shop.simulator.record()["requests"]["actions"]["status"] - before == 2


def test_a_call_that_fails_whole_changes_no_order(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    shop.simulator.control(script=["h502_html"], actions=["status"])
    shop.follows()
    order.refresh_from_db()
    assert (order.progress, order.poll_misses) == ("", 1)
    assert order.next_poll_at is not None


def test_an_order_asked_about_in_vain_is_shown_to_a_person_whatever_the_tenth_answer_was(
    shop: Shop, alice: User
) -> None:
    """A panel was put back from a backup: first it was away, then it did not know the order."""
    order = bought(shop, alice)
    shop.simulator.control(script=["h502_html"] * 12, actions=["status"])
    for _ in range(12):
        shop.follows()
    order = answered(shop, order, ItemError(ErrorClass.UNKNOWN_ORDER))
    assert (order.poll_misses, order.progress) == (13, "")
    assert order.needs_review == "10 polls in a row: unknown_order"


def test_a_panel_whose_answers_cannot_be_read_is_shown_to_a_person_by_its_orders(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = bought(shop, alice)
    monkeypatch.setattr(ProviderClient, "status", _unreadable)
    for _ in range(9):
        shop.follows()
    assert not Order.objects.get().needs_review
    shop.follows()
    order.refresh_from_db()
    assert (order.needs_review, order.progress) == ("10 polls in a row: no usable answer", "")


def _unreadable(_client: ProviderClient, _order_id: str) -> StatusItem:
    raise Unavailable("not_json", "HTTP 200")


def test_a_panel_that_fails_a_call_for_one_unknown_id_is_asked_in_halves(shop: Shop, alice: User) -> None:
    orders = [bought(shop, alice, link=f"https://example.com/p/{n}?fate=completed&after=1") for n in range(4)]
    stranger = orders[0]
    Order.objects.filter(pk=stranger.pk).update(forward_state=Forward.PLACED)
    shop.simulator.control(advance=20)
    shop.simulator.control(script=["batch_error"], actions=["status"])
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 4


def test_final_orders_are_watched_for_thirty_days_and_then_left(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    now = database_now()
    gaps = []
    for age in (timedelta(hours=2), timedelta(days=3), timedelta(days=20)):
        again = next_poll(order_id=order.pk, since=now, now=now, finished_at=now - age)
        assert again is not None
        gaps.append(again - now)
    assert gaps == sorted(gaps)
    assert next_poll(order_id=order.pk, since=now, now=now, finished_at=now - timedelta(days=31)) is None


def test_old_open_orders_are_asked_about_ever_more_rarely_but_always(shop: Shop) -> None:
    now = database_now()
    ages = (timedelta(minutes=1), timedelta(hours=5), timedelta(days=3), timedelta(days=300))
    gaps = [next_poll(order_id=7, since=now - age, now=now) for age in ages]
    assert all(gaps)
    assert gaps == sorted(gaps)  # type: ignore[type-var]
    missed = next_poll(order_id=7, since=now, now=now, misses=40)
    assert missed is not None
    assert missed - now <= timedelta(seconds=30 * 1.1)


def test_a_try_backs_off_to_ten_minutes_and_listens_to_the_provider() -> None:
    assert [backoff(n).total_seconds() for n in (1, 2, 3, 50)] == [2, 4, 8, 600]
    assert backoff(1, retry_after=90).total_seconds() == 90
    assert backoff(1, retry_after=10**9).total_seconds() == 3600


def test_polling_claims_before_it_asks(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    now = database_now()
    Order.objects.update(next_poll_at=now)
    batch = poll.claim_batch(shop.provider, now=now)
    assert list(batch.ids.values()) == [order.pk]
    assert poll.claim_batch(shop.provider, now=now).ids == {}


def test_a_provider_that_knows_none_of_our_orders_is_shown_to_the_owner(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        bought(shop, alice, quantity=10, link=f"https://example.com/p/{number}")
    alerts = Alert.objects.filter(cause=f"provider:{shop.provider.pk}:knows_none", closed_at=None)
    honest = ProviderClient.statuses
    unknown = ItemError(ErrorClass.UNKNOWN_ORDER, "Incorrect order ID")
    monkeypatch.setattr(ProviderClient, "statuses", lambda _client, ids: dict.fromkeys(ids, unknown))
    shop.follows()
    assert alerts.count() == 1
    assert not Order.objects.exclude(refunded=0).exists()
    monkeypatch.setattr(ProviderClient, "statuses", honest)
    shop.follows()
    assert not alerts.exists()


def test_a_panel_that_takes_fewer_ids_is_asked_for_fewer(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(23):
        bought(shop, alice, quantity=10, link=f"https://example.com/p/{number}?fate=completed&after=1")
    shop.simulator.control(advance=30)
    _fail_calls(monkeypatch, lambda ids: len(ids) > 10 and ErrorClass.BATCH_TOO_LARGE)
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 23
    shop.provider.refresh_from_db()
    assert 5 <= shop.provider.batch_size <= 10


def test_one_id_that_spoils_a_call_in_any_language_keeps_no_other_waiting(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [bought(shop, alice, link=f"https://example.com/p/{n}?fate=completed&after=1") for n in range(7)]
    shop.simulator.control(advance=30)
    dead = orders[3].upstream_id
    _fail_calls(monkeypatch, lambda ids: dead in ids and len(ids) > 1 and ErrorClass.OTHER)
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 7


@pytest.mark.parametrize(
    "failure",
    [Unavailable("error", "Incorrect request", error_class=ErrorClass.UNSUPPORTED), Unavailable("rows_without_ids")],
)
def test_a_panel_that_cannot_tell_of_several_orders_is_asked_one_by_one(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch, failure: Unavailable
) -> None:
    for number in range(5):
        bought(shop, alice, quantity=10, link=f"https://example.com/p/{number}?fate=completed&after=1")
    shop.simulator.control(advance=30)

    def statuses(_client: ProviderClient, _ids: Sequence[str]) -> dict[str, StatusItem]:
        raise failure

    monkeypatch.setattr(ProviderClient, "statuses", statuses)
    shop.follows()
    assert Order.objects.filter(progress=Progress.COMPLETED).count() == 5


def _fail_calls(monkeypatch: pytest.MonkeyPatch, judge: Callable[[Sequence[str]], ErrorClass | bool]) -> None:
    """Let whole calls about several orders fail with the class that ``judge`` names."""
    honest = ProviderClient.statuses

    def statuses(client: ProviderClient, ids: Sequence[str]) -> dict[str, StatusItem]:
        error = judge(ids)
        if error:
            raise Unavailable("error", "Sipariş bulunamadı", error_class=ErrorClass(error))
        return honest(client, ids)

    monkeypatch.setattr(ProviderClient, "statuses", statuses)


def test_calls_that_are_slower_than_the_pace_end_with_the_time(shop: Shop, alice: User, settings: Any) -> None:
    """A turn is then always free, and a backlog would be worked off until the worker is killed."""
    settings.POLL_LANES = 1
    for n in range(6):
        shop.buys(alice, quantity=100, link=f"https://example.com/slow/{n}")
    shop.forwards()
    Provider.objects.update(batch_size=1)
    Order.objects.update(next_poll_at=database_now())
    shop.simulator.control(latency_ms={"status": 400})
    assert 1 <= poll.follow_due(seconds=0.6) <= 3
