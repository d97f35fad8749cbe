"""The search for a lost order by asking for ids: where it is possible, what it may conclude, whose turn it is."""

import time
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders.doubt import probing, resolve
from orders.models import OwnId, ProbePass, RateReading
from orders.states import Forward
from tests.orders.cast import Shop, provider_at, service_of
from tests.orders.doubts import LOST_BUT_PLACED, LOST_NOT_PLACED, SETTLE, ages, buys_and_sends, id_at_provider, resolves

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick_probing")]


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
def test_where_a_call_holds_two_ids_at_most_the_owner_is_asked(shop: Shop, alice: User, size: int) -> None:
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


def test_two_resolvers_never_work_on_the_same_provider(shop: Shop, alice: User) -> None:
    buys_and_sends(shop, alice, quantity=500)
    buys_and_sends(shop, alice, quantity=700, fault=LOST_NOT_PLACED)
    now = database_now()
    schedule = resolve._claim(shop.provider, now=now, seconds=30)
    assert schedule is not None
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
    honest = probing.Probe.statuses

    def statuses_once(probe: probing.Probe, ids: Any) -> Any:
        if probe.calls:
            raise probing.ProbeStopped(probing.OUT_OF_TIME)
        return honest(probe, ids)

    monkeypatch.setattr(probing.Probe, "statuses", statuses_once)
    resolves(shop, 3)
    [cut_short] = ProbePass.objects.filter(stopped_by=probing.OUT_OF_TIME)
    assert (cut_short.calls, cut_short.ranges) == (3, [])
    monkeypatch.setattr(probing.Probe, "statuses", honest)
    resolves(shop, 4)
    cut_short.refresh_from_db()
    assert len(cut_short.ranges) == 1
    lost.refresh_from_db()
    assert lost.forward_state == Forward.QUEUED
