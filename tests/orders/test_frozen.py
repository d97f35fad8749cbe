"""A shop at another place than it knew sends nothing, until somebody says that it may."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from core.clock import database_now
from notices.models import Alert
from orders import freezing, marks
from orders.forwarding import dispatch, lanes, leases, permits, refill_sends
from orders.models import Order, ShopState
from orders.states import Forward, Progress, RefillState
from storefront.rounds import work_round
from tests.actors import OWNER
from tests.orders.cast import Shop, customer
from tests.orders.restored import *  # noqa: F403 - the fixtures of restored shops
from tests.orders.restored import asks_for_a_refill, run, state
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_shop_that_stays_where_it_is_does_not_freeze(settled: Shop, alice: User) -> None:
    settled.buys(alice)
    settled.forwards()
    assert freezing.check(now=database_now()) is False
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
    refill = asks_for_a_refill(settled, alice)
    freezing.freeze(why="test", now=database_now())
    assert refill_sends.send_due() == 0
    refill.refresh_from_db()
    assert refill.state == RefillState.QUEUED
    freezing.unfreeze(now=database_now(), actor=OWNER, reason="test")
    assert refill_sends.send_due() == 1


def test_no_byte_leaves_when_the_shop_freezes_between_claim_and_send(settled: Shop, alice: User) -> None:
    order = settled.buys(alice)
    with lanes.take(settled.provider.pk) as lane:
        assert lane is not None
        attempt = dispatch.claim_next(lane, now=database_now())
        assert attempt is not None
        freezing.freeze(why="test", now=database_now())
        with pytest.raises(permits.PermitRefused):
            permits.permit(permits.FORWARD, lane, attempt.token)()
        dispatch.send(attempt, lane)
    order.refresh_from_db()
    assert order.forward_state == Forward.QUEUED
    assert settled.accepted() == []


def test_a_running_worker_sends_nothing_after_a_restore(settled: Shop, alice: User) -> None:
    """The claim and the permit compare the place themselves: no check has to run first."""
    settled.buys(alice)
    ShopState.objects.update(home="another/place/by/far")
    assert settled.forwards() == 0
    assert settled.accepted() == []


@pytest.mark.parametrize(
    ("part", "why"),
    [(0, "another cluster"), (1, "another timeline"), (2, "another database"), (3, "newly created tables")],
)
def test_each_sign_of_another_place_freezes_and_says_which(settled: Shop, part: int, why: str) -> None:
    parts = freezing.home().split("/")
    assert all(parts), "this role may ask for all four"
    parts[part] = "1"
    ShopState.objects.update(home="/".join(parts))
    assert freezing.check(now=database_now()) is True
    assert (state().why, state().is_restored) == (why, True)


def test_a_host_that_hides_the_cluster_is_no_restore(settled: Shop) -> None:
    ShopState.objects.update(home="/" + freezing.home().split("/", 1)[1])
    assert freezing.check(now=database_now()) is False
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
    assert freezing.check(now=database_now()) is True
    assert "5 attempts" in state().why
    run("thaw", "--reason", "nothing was ever sent, so there is no provider to compare with")
    assert marks.read(state().shop) == 0, "the marks of the lost time, here and on other machines, count no more"
    assert freezing.freeze(why="an older check", now=database_now(), is_restored=True, shop=shop_before) is False
    assert freezing.check(now=database_now()) is False


def test_a_shop_without_redis_and_folder_runs(settled: Shop, alice: User, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    settled.buys(alice)
    assert freezing.check(now=database_now()) is False
    assert settled.forwards() == 1


def test_a_dump_of_a_frozen_shop_is_a_restored_shop_too(settled: Shop) -> None:
    freezing.freeze(why="by hand", now=database_now(), actor="owner")
    ShopState.objects.update(home="1/1/1/1")
    assert freezing.check(now=database_now()) is True
    assert state().is_restored


def test_readiness_and_the_admin_say_that_the_shop_is_frozen(settled: Shop, client: Client) -> None:
    assert client.get("/readyz").json()["checks"]["forwarding"] == "ok"
    freezing.freeze(why="<b>a restore</b>", now=database_now())
    answer = client.get("/readyz").json()
    assert (answer["status"], answer["checks"]["forwarding"]) == ("degraded", "frozen")
    sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"), client)
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
