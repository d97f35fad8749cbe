"""A shop put back from a dump sends nothing until somebody has looked at what the providers received since."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client

from accounts.models import User
from billing import audit as money
from billing.audit import check
from core.clock import database_now
from notices.models import Alert
from orders import audit as deeds
from orders import dispatch, freezing, lanes, leases, marks, refills, sending, sweep
from orders.models import ForwardAttempt, Order, ReconciliationBreak, Refill, ShopState, ThawScan
from orders.states import Forward, Outcome, Progress, RefillState
from storefront.rounds import work_round
from tests.orders.cast import Shop, balance, customer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_waiting(settings: Any) -> None:
    settings.DOUBT_SETTLE_SECONDS = 0
    settings.PROBE_PASS_GAP_SECONDS = 0


@pytest.fixture
def settled(shop: Shop) -> Shop:
    """A shop that has looked at itself once, as every shop has after its first round."""
    assert freezing.look(now=database_now()) is False
    return shop


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def thaw(shop: Shop, recent: str, *more: str) -> str:
    return run("thaw", "--provider", shop.provider.name, "--recent-order-id", recent, "--reason", "dump of 3 am", *more)


def state() -> ShopState:
    return ShopState.objects.get()


def newest(shop: Shop) -> str:
    return str(shop.accepted()[-1]["order"])


def audit() -> list[str]:
    return [f"{f.name}: {f.rows}" for f in check([*money.EQUATIONS, *deeds.EQUATIONS]) if not f.holds]


@contextmanager
def dumped_and_put_back() -> Iterator[None]:
    """Copy the database now; after the block, the shop runs on the copy, as after a restore of it."""
    name = str(connection.settings_dict["NAME"])
    copy = f"{name}_dump"
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    connection.close()
    with psycopg.connect(**parameters, autocommit=True) as server:
        # The lane that is kept, and threads of earlier tests that have nothing more to do here.
        server.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
        server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    yield
    connection.close()
    connection.settings_dict["NAME"] = copy


@pytest.fixture
def dump() -> Iterator[Any]:
    name = str(connection.settings_dict["NAME"])
    yield dumped_and_put_back
    connection.close()
    connection.settings_dict["NAME"] = name
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    with psycopg.connect(**parameters, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}_dump" WITH (FORCE)')


def test_a_shop_that_stays_where_it_is_does_not_freeze(settled: Shop, alice: User) -> None:
    settled.buys(alice)
    settled.forwards()
    assert freezing.look(now=database_now()) is False
    assert marks.read(state().shop) == marks.reached() > 0
    assert len(settled.accepted()) == 1


def test_a_frozen_shop_takes_orders_and_follows_them_and_sends_nothing(settled: Shop, alice: User) -> None:
    running = settled.buys(alice, link="https://example.com/p/1?fate=completed&after=1")
    settled.forwards()
    assert "frozen" in run("freeze", "--reason", "moving house")
    held = settled.buys(alice, link="https://example.com/p/2")
    settled.simulator.control(advance=30)
    Order.objects.filter(pk=running.pk).update(next_poll_at=database_now())
    done = work_round(seconds=5)
    assert (done["forwarded"], done["followed"]) == (0, 1)
    running.refresh_from_db()
    held.refresh_from_db()
    assert running.progress == Progress.COMPLETED
    assert (held.forward_state, held.tries) == (Forward.QUEUED, 0)
    assert len(settled.accepted()) == 1
    assert Alert.objects.filter(cause="shop:frozen", closed_at=None).count() == 1

    run("thaw", "--reason", "we have moved")
    work_round(seconds=5)
    assert len(settled.accepted()) == 2
    assert not Alert.objects.filter(cause="shop:frozen", closed_at=None).exists()


def test_a_refill_does_not_leave_a_frozen_shop(settled: Shop, alice: User) -> None:
    order = settled.buys(alice, link="https://example.com/p/1?fate=completed&after=1")
    settled.forwards()
    settled.simulator.control(advance=30)
    settled.follows()
    order.refresh_from_db()
    refill = refills.request_refill(order=order, actor="alice", now=database_now())
    freezing.freeze(why="test", now=database_now())
    assert refills.send_due() == 0
    refill.refresh_from_db()
    assert refill.state == RefillState.QUEUED
    freezing.release(now=database_now(), actor="owner", reason="test")
    assert refills.send_due() == 1


def test_no_byte_leaves_when_the_shop_freezes_between_claim_and_send(settled: Shop, alice: User) -> None:
    order = settled.buys(alice)
    with lanes.take(settled.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        freezing.freeze(why="test", now=database_now())
        with pytest.raises(sending.PermitRefused):
            sending.permit(sending.FORWARD, lane, attempt.token)()
        dispatch.send(attempt, lane)
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert settled.accepted() == []


def test_a_sender_that_nobody_told_of_the_restore_sends_nothing(settled: Shop, alice: User) -> None:
    """The permit itself compares the place: a worker that runs on beneath a restore needs no look to stop."""
    settled.buys(alice)
    ShopState.objects.update(home="another/place/by/far")
    assert settled.forwards() == 0
    assert settled.accepted() == []


@pytest.mark.parametrize(
    ("part", "why"), [(0, "another cluster"), (1, "another timeline"), (2, "another database"), (3, "tables made anew")]
)
def test_each_sign_of_another_place_freezes_and_says_which(settled: Shop, part: int, why: str) -> None:
    parts = freezing.home().split("/")
    assert all(parts), "this role may ask for all four"
    parts[part] = "1"
    ShopState.objects.update(home="/".join(parts))
    assert freezing.look(now=database_now()) is True
    assert (state().why, state().is_restored) == (why, True)


def test_a_host_that_hides_the_cluster_is_no_restore(settled: Shop) -> None:
    ShopState.objects.update(home="/" + freezing.home().split("/", 1)[1])
    assert freezing.look(now=database_now()) is False
    assert state().home == freezing.home()


@pytest.mark.parametrize("place", ["redis", "file"])
def test_a_mark_outside_that_counts_more_attempts_freezes(
    settled: Shop, place: str, tmp_path: Path, settings: Any
) -> None:
    settings.STATE_FOLDER = str(tmp_path)
    shop_before = state().shop
    marks.write(shop_before, 5)
    if place == "redis":
        next(tmp_path.iterdir()).unlink()
    else:
        settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    assert marks.read(state().shop) == 5
    assert freezing.look(now=database_now()) is True
    assert "5 attempts" in state().why
    run("thaw", "--reason", "nothing was ever sent, so there is no provider to look at")
    assert marks.read(state().shop) == 0, "the marks of the lost time, here and on other machines, count no more"
    assert freezing.freeze(why="an older look", now=database_now(), is_restored=True, shop=shop_before) is False
    assert freezing.look(now=database_now()) is False


def test_a_shop_without_redis_and_folder_runs(settled: Shop, alice: User, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    settled.buys(alice)
    assert freezing.look(now=database_now()) is False
    assert settled.forwards() == 1


def test_a_dump_that_was_put_back_starts_frozen_and_thaws_without_buying_twice(
    settled: Shop, alice: User, dump: Any
) -> None:
    before = settled.buys(alice, quantity=100, link="https://example.com/p/before")
    settled.forwards()
    sent = settled.buys(alice, quantity=1000, link="https://example.com/p/sent-since")
    waiting = settled.buys(alice, quantity=3000, link="https://example.com/p/never-sent")
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
    done = settled.buys(alice, link="https://example.com/p/1?fate=completed&after=1")
    settled.forwards()
    settled.simulator.control(advance=30)
    settled.follows()
    done.refresh_from_db()
    refill = refills.request_refill(order=done, actor="alice", now=database_now())
    claimed, sending_ = settled.buys(alice, quantity=10), settled.buys(alice, quantity=20)
    with lanes.take(settled.provider.pk) as lane:
        assert lane is not None
        for is_sent in (False, True):
            Order.objects.filter(forward_state=Forward.QUEUED).update(next_at=None)
            Order.objects.filter(pk=(sending_ if is_sent else claimed).pk).update(next_at=database_now())
            attempt = dispatch.claim_next(lane, now=database_now())
            assert attempt is not None
            if is_sent:
                sending.permit(sending.FORWARD, lane, attempt.token)()
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
    freezing.look(now=database_now())
    thaw(settled, newest(settled))
    kept.refresh_from_db()
    assert kept.forward_state == Forward.IN_DOUBT


def test_a_price_that_moved_rules_nothing_out(settled: Shop, alice: User, dump: Any) -> None:
    settled.buys(alice, quantity=100)
    settled.forwards()
    kept = settled.buys(alice, quantity=1000, link="https://example.com/p/kept")
    with dump():
        settled.simulator.control(rates={"1": "0.70"})
        settled.forwards()
    freezing.look(now=database_now())
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
    freezing.look(now=database_now())
    first, second, third = (int(o["order"]) for o in settled.accepted())
    words = {"older": second, "foreign": third - 1, "before-known": first - 1}
    with pytest.raises(CommandError, match=problem):
        thaw(settled, str(words.get(recent, recent)))
    assert not ThawScan.objects.exists()


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


def test_a_dump_of_a_frozen_shop_is_a_restored_shop_too(settled: Shop) -> None:
    freezing.freeze(why="by hand", now=database_now(), actor="owner")
    ShopState.objects.update(home="1/1/1/1")
    assert freezing.look(now=database_now()) is True
    assert state().is_restored


def test_readiness_and_the_admin_say_that_the_shop_is_frozen(settled: Shop, client: Client) -> None:
    assert client.get("/readyz").json()["checks"]["forwarding"] == "ok"
    freezing.freeze(why="<b>a restore</b>", now=database_now())
    answer = client.get("/readyz").json()
    assert (answer["status"], answer["checks"]["forwarding"]) == ("degraded", "frozen")
    client.force_login(User.objects.create_superuser("owner@example.com", "correct horse battery"))
    page = client.get("/admin/").content.decode()
    assert "The shop is frozen" in page
    assert "&lt;b&gt;a restore" in page


def test_the_lease_sweep_does_not_thaw(settled: Shop, alice: User) -> None:
    customer("bob@example.com")
    freezing.freeze(why="test", now=database_now())
    settled.buys(alice)
    leases.expire(now=database_now())
    assert freezing.is_frozen()
    assert settled.forwards() == 0
