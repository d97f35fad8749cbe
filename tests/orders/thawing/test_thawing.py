"""Before a shop that was put back from a dump sends again, it is found out what the providers received since."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.management.base import CommandError

from accounts.models import User
from core.clock import database_now
from orders import freezing, sweep
from orders.forwarding import dispatch, lanes, permits
from orders.models import ForwardAttempt, Order, OwnId, ReconciliationBreak, Refill, ShopState, ThawScan
from orders.states import Forward, Outcome, RefillState
from storefront.rounds import work_round
from tests.orders.cast import Shop, balance
from tests.orders.restored import *  # noqa: F403 - the fixtures of restored shops
from tests.orders.restored import asks_for_a_refill, audit, newest, run, state, thaw
from upstream.client import ProviderClient
from upstream.messages import Ignored, ItemError, Missing, StatusItem

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_dump_that_was_put_back_starts_frozen_and_thaws_without_buying_twice(
    settled: Shop, alice: User, dump: Any
) -> None:
    before = settled.buys(alice, quantity=100, link="https://example.com/p/before")
    settled.forwards()
    sent = settled.buys(alice, quantity=1000, link="https://example.com/p/sent-since")
    waiting = settled.buys(alice, quantity=9000, link="https://example.com/p/never-sent")
    with dump():
        Order.objects.filter(pk=waiting.pk).update(next_at=None)  # the old shop never got to this one
        settled.forwards()
        settled.buys(alice, quantity=2000, link="https://example.com/p/lost")
        settled.forwards()
        assert len(settled.accepted()) == 3

    # The shop comes back as of the dump, and its first round may not send the queue of yesterday.
    done = work_round(seconds=5)
    assert done["forwarded"] == 0
    assert len(settled.accepted()) == 3
    assert state().why == "another database"
    fresh = settled.buys(alice, quantity=500, link="https://example.com/p/after")
    with pytest.raises(CommandError, match=settled.provider.name):
        run("thaw", "--reason", "in a hurry")

    said = thaw(settled, newest(settled))
    assert sorted(b.upstream_id for b in ReconciliationBreak.objects.filter(kind="unknown_order")) == sorted(
        str(o["order"]) for o in settled.accepted()[1:]
    )
    assert f"#{waiting.pk}" in said.splitlines()[-4]
    run("thaw", "--reason", "looked at")
    for _round in range(2):
        work_round(seconds=5)

    links = [o["link"] for o in settled.accepted()]
    assert len(links) == len(set(links)) == 5
    assert {f"https://example.com/p/{name}" for name in ("never-sent", "after")} <= set(links)
    sent.refresh_from_db()
    assert sent.forward_state == Forward.REVIEW  # its owner decides, whatever the numbers seem to say
    attempt = sent.attempts.get()
    assert (attempt.outcome, attempt.evidence["restored"]) == (Outcome.IN_DOUBT, True)
    assert attempt.evidence["review"]["because"] == "restored"
    for order in (before, waiting, fresh):
        order.refresh_from_db()
        assert order.forward_state == Forward.PLACED
    assert [a.outcome for a in waiting.attempts.order_by("n")] == [Outcome.NOT_PLACED, Outcome.PLACED]
    assert audit() == []


def test_numbers_that_a_panel_leaves_out_prove_nothing_and_are_nobodys_orders(
    settled: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = settled.buys(alice, link="https://example.com/p/1")
    settled.forwards()
    settled.simulator.control(foreign=5)
    settled.buys(alice, link="https://example.com/p/2")
    settled.forwards()
    waiting = settled.buys(alice, quantity=3000, link="https://example.com/p/3")
    honest = ProviderClient.statuses

    def statuses(client: ProviderClient, ids: Sequence[str]) -> dict[str, StatusItem]:
        answers = honest(client, ids)
        return {i: Missing() if isinstance(item, ItemError) else item for i, item in answers.items()}

    monkeypatch.setattr(ProviderClient, "statuses", statuses)
    run("freeze", "--restored", "--reason", "the tables were put back")
    first.refresh_from_db()
    thaw(settled, newest(settled), "--first-order-id", str(first.upstream_id))
    waiting.refresh_from_db()
    assert waiting.forward_state == Forward.IN_DOUBT
    assert not ReconciliationBreak.objects.exists()
    assert not OwnId.objects.filter(explained="").exists()


def test_the_same_shop_started_thawed_would_have_bought_twice(
    settled: Shop, alice: User, dump: Any, monkeypatch: Any
) -> None:
    """The bug this guards against, seeded: nothing looks and nothing asks whether the shop is frozen."""
    settled.buys(alice, link="https://example.com/p/1")
    with dump():
        settled.forwards()
    ShopState.objects.update(home=freezing.home())
    monkeypatch.setattr(freezing, "_difference", lambda known, here: "")
    settled.forwards()
    assert [o["link"] for o in settled.accepted()] == ["https://example.com/p/1"] * 2


def test_rows_under_way_and_refills_in_a_dump_become_doubts(settled: Shop, alice: User, dump: Any) -> None:
    refill = asks_for_a_refill(settled, alice)
    claimed, sending_ = settled.buys(alice, quantity=10), settled.buys(alice, quantity=20)
    with lanes.take(settled.provider.pk) as lane:
        assert lane is not None
        for is_sent in (False, True):
            Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=None)
            Order.objects.filter(pk=(sending_ if is_sent else claimed).pk).update(next_at=database_now())
            attempt = dispatch.claim_next(lane, now=database_now())
            assert attempt is not None
            if is_sent:
                permits.permit(permits.FORWARD, lane, attempt.token)()
    with dump():
        pass
    sweep.do_due(now=database_now(), seconds=5)
    thaw(settled, newest(settled))
    for order, outcomes in ((claimed, ["released", "not_placed"]), (sending_, ["in_doubt"])):
        assert list(order.attempts.order_by("n").values_list("outcome", flat=True)) == outcomes
    assert ForwardAttempt.objects.get(order=sending_).evidence["restored"] is True
    assert Refill.objects.get(pk=refill.pk).state == RefillState.IN_DOUBT
    assert audit() == []


def test_an_unclear_find_keeps_everything_in_doubt(settled: Shop, alice: User, dump: Any) -> None:
    settled.buys(alice, quantity=100)
    settled.forwards()
    kept = settled.buys(alice, quantity=1000, link="https://example.com/p/kept")
    with dump():
        Order.objects.filter(pk=kept.pk).update(next_at=None)
        settled.buys(alice, quantity=5000, link="https://example.com/p/x?fate=partial:10&after=1")
        settled.forwards()
        settled.simulator.control(advance=60)
    freezing.check(now=database_now())
    thaw(settled, newest(settled))
    kept.refresh_from_db()
    assert kept.forward_state == Forward.IN_DOUBT


@pytest.mark.parametrize("is_told", [True, False])
def test_a_charge_that_the_second_pass_is_told_counts(
    settled: Shop, alice: User, dump: Any, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    settled.buys(alice, quantity=100)
    settled.forwards()
    kept = settled.buys(alice, quantity=1000, link="https://example.com/p/kept")
    settled.simulator.control(late_charges={"share": 1, "shown": "zero", "after": 30})
    with dump():
        Order.objects.filter(pk=kept.pk).update(next_at=None)
        settled.buys(alice, quantity=9000, link="https://example.com/p/since?fate=stuck")
        settled.forwards()
    freezing.check(now=database_now())
    time_goes_by = {"advance": 60 if is_told else 0}
    monkeypatch.setattr(time, "sleep", lambda seconds: settled.simulator.control(**time_goes_by))
    thaw(settled, newest(settled))
    kept.refresh_from_db()
    assert kept.forward_state == (Forward.QUEUED if is_told else Forward.IN_DOUBT)


def test_a_price_that_moved_rules_nothing_out(settled: Shop, alice: User, dump: Any) -> None:
    settled.buys(alice, quantity=100)
    settled.forwards()
    kept = settled.buys(alice, quantity=1000, link="https://example.com/p/kept")
    with dump():
        settled.simulator.control(rates={"1": "0.70"})
        settled.forwards()
    freezing.check(now=database_now())
    thaw(settled, newest(settled))
    kept.refresh_from_db()
    assert kept.forward_state == Forward.IN_DOUBT


def test_a_charge_unlike_the_list_rules_nothing_out(settled: Shop, alice: User, dump: Any) -> None:
    settled.buys(alice, quantity=100)
    settled.forwards()
    kept = settled.buys(alice, quantity=1000, link="https://example.com/p/kept?fault=repriced:1.1")
    with dump():
        settled.forwards()
    assert len(settled.accepted()) == 2
    freezing.check(now=database_now())
    thaw(settled, newest(settled))
    kept.refresh_from_db()
    assert kept.forward_state == Forward.IN_DOUBT


def test_nothing_proven_leaves_all_to_a_person(settled: Shop, alice: User) -> None:
    order = settled.buys(alice)
    freezing.freeze(why="put back by hand", now=database_now(), is_restored=True)
    run("thaw", "--provider", settled.provider.name, "--nothing-proven", "--reason", "ids are words")
    run("thaw", "--reason", "ids are words")
    work_round(seconds=5)
    order.refresh_from_db()
    assert order.forward_state == Forward.IN_DOUBT
    assert ThawScan.objects.get().is_complete is False
    assert settled.accepted() == []
    assert balance(alice) == 100 - order.charge


@pytest.mark.parametrize(
    ("recent", "problem"),
    [("older", "is newer"), ("foreign", "did not know"), ("12x", "not a number"), ("before-known", "is newer than")],
)
def test_an_id_that_proves_nothing_is_refused(settled: Shop, alice: User, dump: Any, recent: str, problem: str) -> None:
    settled.buys(alice, quantity=100)
    settled.forwards()
    settled.buys(alice, quantity=300)
    with dump():
        settled.forwards()
        settled.simulator.control(foreign=3)
        settled.buys(alice, quantity=200)
        settled.forwards()
    freezing.check(now=database_now())
    first, second, third = (int(o["order"]) for o in settled.accepted())
    words = {"older": second, "foreign": third - 1, "before-known": first - 1}
    with pytest.raises(CommandError, match=problem):
        thaw(settled, str(words.get(recent, recent)))
    assert not ThawScan.objects.exists()


def test_a_newer_order_in_a_state_nobody_knows_is_newer_all_the_same(
    settled: Shop, alice: User, dump: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.buys(alice, quantity=100, link="https://example.com/p/1")
    settled.forwards()
    kept = settled.buys(alice, quantity=3000, link="https://example.com/p/kept")
    with dump():
        Order.objects.filter(pk=kept.pk).update(next_at=None)
        settled.buys(alice, quantity=1000, link="https://example.com/p/2")
        settled.forwards()
        Order.objects.filter(pk=kept.pk).update(next_at=database_now())
        settled.forwards()
    second, third = (str(o["order"]) for o in settled.accepted()[1:])
    honest = ProviderClient.statuses

    def statuses(client: ProviderClient, ids: Sequence[str]) -> dict[str, StatusItem]:
        return {i: Ignored("unknown_state", "?") if i == third else a for i, a in honest(client, ids).items()}

    monkeypatch.setattr(ProviderClient, "statuses", statuses)
    freezing.check(now=database_now())
    with pytest.raises(CommandError, match=f"{third} of yours is newer"):
        thaw(settled, second)
    kept.refresh_from_db()
    assert kept.forward_state == Forward.QUEUED
    assert state().frozen_at is not None


def test_it_is_too_early_while_the_provider_may_still_work(settled: Shop, alice: User, settings: Any) -> None:
    settings.DOUBT_SETTLE_SECONDS = 600
    settled.buys(alice)
    freezing.freeze(why="put back", now=database_now(), is_restored=True)
    with pytest.raises(CommandError, match="Try again after"):
        thaw(settled, "1")


def test_a_provider_that_is_away_leaves_the_shop_as_it_was(settled: Shop, alice: User) -> None:
    settled.buys(alice)
    settled.forwards()
    order = settled.buys(alice)
    freezing.freeze(why="put back", now=database_now(), is_restored=True)
    recent = newest(settled)
    settled.simulator.stop()
    with pytest.raises(CommandError):
        thaw(settled, recent)
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert state().frozen_at is not None
