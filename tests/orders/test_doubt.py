"""An order whose answer was lost: found, proven not placed, or brought before the owner; never bought twice."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import User
from billing.models import Hold
from catalog.connection import client_for
from catalog.models import Provider, UnlistedText
from core.clock import database_now
from notices.models import Alert
from orders import decisions, dispatch, lanes, leases, lifecycle, outcomes, sending, settlement
from orders.doubt import late, probing, resolve
from orders.models import (
    ForwardAttempt,
    Order,
    OwnId,
    ProbePass,
    ProviderExchange,
    RateReading,
)
from orders.states import Forward, Outcome
from tests.orders.cast import Shop, balance, provider_at, service_of, until
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

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick_probing(settings: Any) -> None:
    settings.PROBE_INTERVAL_SECONDS = 0.001


def test_a_lost_order_that_was_placed_is_found(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    assert lost.forward_state == Forward.IN_DOUBT
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    assert resolves(shop) == 1

    lost.refresh_from_db()
    assert lost.forward_state == Forward.PLACED
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    attempt = attempt_of(lost)
    assert (attempt.outcome, attempt.decided_by) == (Outcome.PLACED, None)
    assert attempt.evidence["resolved"]["how"] == "bracket"
    assert OwnId.objects.get(upstream_id=lost.upstream_id).attempt == attempt
    assert Hold.objects.get(pk=lost.reference).refunded == 0
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:doubt", closed_at=None).count() == 0
    shop.follows()
    lost.refresh_from_db()
    assert lost.progress


def test_a_lost_order_that_was_not_placed_is_proven_so_and_sent_once_more(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, 61)
    resolves(shop, 3)
    assert attempt_of(lost).outcome == Outcome.IN_DOUBT
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT  # one search is not enough
    resolves(shop, 3)

    lost.refresh_from_db()
    assert lost.forward_state == Forward.QUEUED
    first = attempt_of(lost)
    assert first.outcome == Outcome.NOT_PLACED
    assert len(first.evidence["bracket"]["passes"]) == 2
    Order.objects.filter(pk=lost.pk).update(next_at=database_now())
    shop.forwards()
    resolves(shop, 3)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.PLACED
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert list(lost.attempts.values_list("outcome", flat=True).order_by("n")) == [Outcome.NOT_PLACED, Outcome.PLACED]
    assert balance(alice) == 100 - sum(o.charge for o in Order.objects.all())


def test_an_order_that_takes_effect_late_is_still_found(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault="late_place:300")
    ages(shop, 61)
    resolves(shop, 2)
    assert id_at_provider(shop, lost) == []
    ages(shop, 300)
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert lost.attempts.count() == 1


def test_one_false_denial_does_not_prove_anything(shop: Shop, alice: User) -> None:
    """The first full search is told "Incorrect order ID" of the very id; the second is not."""
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault="late_place:250")
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    [number] = id_at_provider(shop, lost)
    provider = shop.simulator.simulator
    assert provider is not None
    hidden = provider.books.orders.pop(number)
    resolves(shop, 1)
    provider.books.orders[number] = hidden
    assert ProbePass.objects.latest("id").ranges
    resolves(shop, 6)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert lost.attempts.count() == 1


def test_a_call_whose_controls_are_denied_counts_for_nothing(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 1)
    shop.simulator.control(faults={"id_missing": 1}, actions=["status"])
    ProbePass.objects.all().delete()
    resolves(shop, 6)
    assert not any(p.ranges for p in ProbePass.objects.all())
    assert all(p.stopped_by == "void" for p in ProbePass.objects.all())
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT


def test_two_doubts_of_one_price_are_told_apart_only_by_evidence(shop: Shop, alice: User) -> None:
    """One was placed and one was not, and nothing tells which: the owner is asked, and nobody guesses."""
    buys_and_sends(shop, alice, quantity=500)
    first = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    second = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 8)
    assert {attempt_of(o).outcome for o in (first, second)} == {Outcome.IN_DOUBT}
    ages(shop, 1800)
    resolves(shop, 1)
    for order in (first, second):
        order.refresh_from_db()
        assert order.forward_state == Forward.REVIEW
    assert attempt_of(first).evidence["review"]["because"] == "ambiguous"
    assert Alert.objects.filter(cause=f"provider:{shop.provider.pk}:review", closed_at=None).exists()

    # The owner knows one of them from the provider's own page; that decides the other.
    [number] = id_at_provider(shop, first)
    decisions.decide_placed(order_id=first.pk, upstream_id=number, actor="owner", reason="seen", now=database_now())
    ages(shop, 400)
    resolves(shop, 2)
    second.refresh_from_db()
    assert second.forward_state == Forward.QUEUED


def test_a_price_that_moved_is_read_again(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    shop.simulator.control(rates={"1": "1.10"})
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 4)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert RateReading.objects.exists()


def test_a_provider_that_shows_others_orders_proves_nothing(shop: Shop, alice: User) -> None:
    shop.simulator.control(capabilities={"foreign_visible": True})
    buys_and_sends(shop, alice, quantity=500)
    shop.simulator.control(foreign=100)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    shop.simulator.control(foreign=100)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 1)
    shop.provider.refresh_from_db()
    assert shop.provider.foreign_ids_refused is False
    ages(shop, SETTLE)
    resolves(shop, 1)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.REVIEW
    assert not OwnId.objects.filter(explained="").exists()


@pytest.mark.parametrize("size", [3, 6, 100])
def test_orders_of_others_are_noticed_however_few_ids_fit_in_a_call(shop: Shop, alice: User, size: int) -> None:
    """And although nothing is there yet above our newest."""
    Provider.objects.update(batch_size=size)
    shop.simulator.control(capabilities={"foreign_visible": True}, foreign=60)
    buys_and_sends(shop, alice, quantity=500)
    resolves(shop, 1)
    shop.provider.refresh_from_db()
    assert shop.provider.foreign_ids_refused is False


@pytest.mark.parametrize("size", [3, 6])
def test_a_search_watches_over_few_ids_at_a_time_as_well(shop: Shop, alice: User, size: int) -> None:
    """The provider began to show others' orders after it was looked at."""
    Provider.objects.update(batch_size=size)
    buys_and_sends(shop, alice, quantity=500)
    resolves(shop, 1)
    shop.provider.refresh_from_db()
    assert shop.provider.foreign_ids_refused is True
    shop.simulator.control(capabilities={"foreign_visible": True})
    buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 1)
    shop.provider.refresh_from_db()
    assert shop.provider.foreign_ids_refused is False


@pytest.mark.parametrize("size", [1, 2])
def test_where_no_id_can_be_asked_for_beside_two_known_ones_the_owner_is_asked(
    shop: Shop, alice: User, size: int
) -> None:
    Provider.objects.update(batch_size=size)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.REVIEW
    assert not Alert.objects.filter(cause__startswith="failure:").exists()


@pytest.mark.parametrize("kind", ["text", "random"])
def test_ids_that_are_no_counter_prove_nothing(shop: Shop, alice: User, kind: str) -> None:
    shop.simulator.control(ids=kind)
    for quantity in (400, 500, 600, 650, 660, 670):
        buys_and_sends(shop, alice, quantity=quantity)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    shop.provider.refresh_from_db()
    assert shop.provider.ids_grow is False
    lost.refresh_from_db()
    assert lost.forward_state == Forward.REVIEW


def test_probing_can_be_switched_off(shop: Shop, alice: User) -> None:
    Provider.objects.update(probing_enabled=False)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 2)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.REVIEW
    assert ProbePass.objects.count() == 0
    assert shop.simulator.record()["requests"]["actions"].get("status", 0) == 0


def test_an_id_heard_in_a_spoiled_answer_is_asked_for_first(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault="order_and_error_p")
    assert attempt_of(lost).heard_id
    resolves(shop, 1)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert attempt_of(lost).evidence["resolved"]["how"] == "heard"


def test_an_id_heard_in_an_answer_about_another_lost_order_is_not_taken_for_ones_own(shop: Shop, alice: User) -> None:
    """The panel refused the second for the link of the first, and named the first: nobody knew that number yet."""
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    [number] = id_at_provider(shop, lost)
    refused = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ForwardAttempt.objects.filter(order=refused).update(heard_id=number)
    resolves(shop, 3)
    refused.refresh_from_db()
    assert refused.forward_state == Forward.IN_DOUBT
    assert attempt_of(lost).outcome in (Outcome.IN_DOUBT, Outcome.PLACED)


def says_to_a_worker_that_died(shop: Shop, lost: Order, body: str) -> None:
    """What was said of the lost order is stored, and nobody has recorded it."""
    said = {"action": "add", "send_calls": 2, "http_status": 200, "body": body, "complete": True}
    said |= {"answered_at": 0.1, "content_type": "application/json", "url": shop.provider.url}
    ProviderExchange.objects.create(
        provider=shop.provider, action="add", forward_attempt=attempt_of(lost), http_status=200, send_calls=2, said=said
    )


def test_an_answer_that_was_stored_by_a_worker_that_died_is_read(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    [number] = id_at_provider(shop, lost)
    says_to_a_worker_that_died(shop, lost, f'{{"order": {number}}}')
    resolves(shop, 1)
    lost.refresh_from_db()
    assert lost.upstream_id == number


def test_a_stored_answer_is_read_again_when_the_database_went_away_meanwhile(
    shop: Shop, alice: User, monkeypatch: Any
) -> None:
    def goes_away(*_args: Any, **_more: Any) -> None:
        raise OperationalError("the database is restarting")

    order = shop.buys(alice)
    with monkeypatch.context() as broken:
        broken.setattr(outcomes, "record", goes_away)
        with pytest.raises(OperationalError):
            shop.forwards()
        lanes.end_kept()
        until(lambda: leases.expire(now=database_now()))
        with pytest.raises(OperationalError):
            late.read_late_answers(shop.provider, now=database_now())
    late.read_late_answers(shop.provider, now=database_now())
    order.refresh_from_db()
    assert [order.upstream_id] == id_at_provider(shop, order)


def test_unknown_words_in_a_stored_answer_are_no_refusal(shop: Shop, alice: User) -> None:
    """The panel said in its language that all is well, and whoever would have looked at the balance has died."""
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    paid = balance(alice)
    says_to_a_worker_that_died(shop, lost, '{"error": "Siparişiniz alındı"}')
    resolves(shop, 1)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT
    assert balance(alice) == paid
    assert UnlistedText.objects.get().text == "siparişiniz alındı"
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 1)
    lost.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)


def test_a_list_of_recent_orders_shows_the_lost_one(shop: Shop, alice: User) -> None:
    shop.simulator.control(capabilities={"orders": True})
    Provider.objects.update(can_list_orders=True, probing_enabled=False)
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    absent = buys_and_sends(shop, alice, quantity=800, fault=LOST_NOT_PLACED)
    resolves(shop, 1)
    lost.refresh_from_db()
    absent.refresh_from_db()
    assert [lost.upstream_id] == id_at_provider(shop, lost)
    assert absent.forward_state == Forward.IN_DOUBT  # an empty list proves nothing


@pytest.mark.parametrize("is_listed_as_nobodys", [True, False])
def test_an_older_order_of_ones_own_hand_in_the_list_is_not_the_lost_one(
    shop: Shop, alice: User, is_listed_as_nobodys: bool
) -> None:
    """The owner bought the same with the same key an hour ago, and panels write times without their zone."""
    shop.simulator.control(capabilities={"orders": True})
    Provider.objects.update(can_list_orders=True)
    buys_and_sends(shop, alice, quantity=500)
    fields = {"service": 1, "link": "https://example.com/p/same?fate=stuck", "quantity": 700}
    by_hand = client_for(shop.provider, deadline=5).add({name: str(value) for name, value in fields.items()}).order_id
    shop.simulator.control(advance=3600)
    if is_listed_as_nobodys:
        OwnId.objects.create(
            provider=shop.provider, upstream_id=by_hand, first_seen_at=database_now(), explained="orphan"
        )
    else:
        buys_and_sends(shop, alice, quantity=600)
    shop.simulator.control(script=[LOST_NOT_PLACED], actions=["add"])
    lost = shop.buys(alice, quantity=700, link=str(fields["link"]))
    shop.forwards()
    resolves(shop, 1)
    lost.refresh_from_db()
    assert (lost.forward_state, lost.upstream_id) == (Forward.IN_DOUBT, None)


def test_a_balance_that_fell_forbids_to_call_it_not_placed(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    attempt = attempt_of(lost)
    assert attempt.evidence["balance"]["fell_by_cost"] is False
    evidence = {**attempt.evidence, "balance": {**attempt.evidence["balance"], "fell_by_cost": True}}
    ForwardAttempt.objects.filter(pk=attempt.pk).update(evidence=evidence)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    lost.refresh_from_db()
    assert lost.forward_state == Forward.REVIEW
    assert attempt_of(lost).evidence["review"]["because"] == "paid_for"


def test_the_balance_around_a_placed_and_lost_order_fell_by_its_cost(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    assert attempt_of(lost).evidence["balance"]["fell_by_cost"] is True


def test_two_resolvers_never_work_on_the_same_provider(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    now = database_now()
    desk = resolve._claim(shop.provider, now=now, seconds=30)
    assert desk is not None
    assert resolve._claim(shop.provider, now=now, seconds=30) is None
    assert not resolve.is_due(now=now)
    assert resolve.resolve_due(now=now, seconds=5) == 0
    assert resolve.is_due(now=now + timedelta(minutes=10))  # its holder died


def test_a_provider_that_uses_up_each_round_keeps_no_other_from_its_turn(
    shop: Shop, alice: User, monkeypatch: Any
) -> None:
    second = provider_at(shop.simulator, "Second")
    both = (shop, Shop(shop.simulator, second, service_of(second)))
    for one in both:
        buys_and_sends(one, alice, fault=LOST_NOT_PLACED)
    looked_at: list[int] = []

    def is_slow(provider: Provider, *_args: Any, **_more: Any) -> int:
        looked_at.append(provider.pk)
        time.sleep(0.6)
        return 0

    monkeypatch.setattr(resolve, "resolve_provider", is_slow)
    for _round in range(4):
        resolve.resolve_due(now=database_now(), seconds=0.5)
        ages(shop, 31)
    assert looked_at == [shop.provider.pk, second.pk] * 2


def test_the_provider_asks_for_less(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 1)
    ProbePass.objects.all().delete()
    shop.simulator.control(faults={"h429": 1}, actions=["status"])
    resolves(shop, 1)
    assert ProbePass.objects.get().calls == 1
    assert ProbePass.objects.get().stopped_by == "rate_limited"
    lost.refresh_from_db()
    assert lost.forward_state == Forward.IN_DOUBT


def test_a_search_that_takes_longer_than_a_run_is_gone_on_with(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    buys_and_sends(shop, alice, quantity=500)
    resolves(shop, 1)
    shop.simulator.control(foreign=300)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    ages(shop, SETTLE + 1)
    buys_and_sends(shop, alice, quantity=900)
    asked = probing.call

    def call_once(this: probing.Search, numbers: Any) -> Any:
        if this.calls:
            raise probing.Stopped(probing.TIME_IS_OVER)
        return asked(this, numbers)

    monkeypatch.setattr(probing, "call", call_once)
    resolves(shop, 3)
    [cut_short] = ProbePass.objects.filter(stopped_by=probing.TIME_IS_OVER)
    assert (cut_short.calls, cut_short.ranges) == (3, [])
    monkeypatch.setattr(probing, "call", asked)
    resolves(shop, 4)
    cut_short.refresh_from_db()
    assert len(cut_short.ranges) == 1
    lost.refresh_from_db()
    assert lost.forward_state == Forward.QUEUED


def test_an_order_found_after_its_refund_is_the_stores_loss(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    lost = buys_and_sends(shop, alice, quantity=700, fault=LOST_BUT_PLACED)
    lifecycle.move(order_id=lost.pk, old=Forward.IN_DOUBT, new=Forward.REFUNDED, now=database_now())
    settlement.return_everything(lost, now=database_now())
    buys_and_sends(shop, alice, quantity=900)
    ages(shop, 61)
    resolves(shop, 2)
    assert attempt_of(lost).outcome == Outcome.PLACED
    lost.refresh_from_db()
    assert (lost.forward_state, lost.returned) == (Forward.REFUNDED, lost.charge)
    assert Alert.objects.filter(cause=f"order:{lost.pk}:loss").exists()


def test_a_killed_workers_order_is_resolved_too(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    order = shop.buys(alice, quantity=700, link="https://example.com/p/killed?fate=stuck")
    with lanes.take(shop.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        sending.permit(sending.FORWARD, lane, attempt.token)()
    ages(shop, 100)
    leases.expire(now=database_now())
    ages(shop, SETTLE)
    buys_and_sends(shop, alice, quantity=900)
    resolves(shop, 6)
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
