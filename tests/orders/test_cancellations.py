"""Cancellation: at once while nothing was sent, else asked until the order's own status answers it."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import Hold
from catalog.models import Provider
from core.clock import database_now
from orders import cancellations, sweep
from orders.cancellations import NotCancelable, request_cancel
from orders.doorbell import FOLLOW
from orders.models import Cancellation, EventKind, Order
from orders.states import CancelState, Forward, Progress
from tests.orders.cast import Shop, balance
from tests.orders.conftest import ROWS
from upstream.client import ProviderClient
from upstream.errors import ErrorClass, Refused
from upstream.messages import CancelOutcome, InDoubtItem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]


@pytest.fixture
def running(shop: Shop, alice: User) -> Order:
    order = shop.buys(alice, link="https://example.com/p/1?fate=completed&after=600")
    shop.forwards()
    shop.simulator.control(advance=100)
    shop.follows()
    order.refresh_from_db()
    assert order.progress == Progress.IN_PROGRESS
    return order


@pytest.fixture(autouse=True)
def long_pauses(settings: Any) -> None:
    """On a busy machine, too, nothing that was just asked is due again within the same run."""
    settings.POLL_SECONDS = 60


def requested(order: Order) -> Cancellation:
    cancellation = request_cancel(order=order, actor="alice@example.com", now=database_now())
    assert cancellation is not None
    return cancellation


def ask() -> int:
    Cancellation.objects.exclude(next_at=None).update(next_at=database_now())
    return cancellations.ask_due()


def test_an_unsent_order_is_canceled_at_once_and_never_sent(shop: Shop, alice: User) -> None:
    order = shop.buys(alice)
    assert request_cancel(order=order, actor="alice@example.com", now=database_now()) is None
    shop.forwards()
    order.refresh_from_db()
    assert order.forward_state == Forward.REFUNDED
    assert balance(alice) == 100
    assert shop.accepted() == []
    assert list(order.events.values_list("kind", flat=True)) == [
        EventKind.ACCEPTED,
        EventKind.REFUNDED_UNSENT,
        EventKind.REFUND,
    ]
    with pytest.raises(NotCancelable):
        request_cancel(order=order, actor="alice@example.com", now=database_now())


def test_a_request_moves_no_money_until_the_status_does(shop: Shop, alice: User, running: Order) -> None:
    cancellation = requested(running)
    assert ask() == 1
    cancellation.refresh_from_db()
    assert cancellation.state == CancelState.ASKED
    assert Hold.objects.get().refunded == 0

    shop.simulator.control(advance=100)
    shop.follows()
    running.refresh_from_db()
    cancellation.refresh_from_db()
    assert running.progress == Progress.PARTIAL
    assert running.refunded > 0
    assert balance(alice) == 100 - running.charge + running.refunded
    assert (cancellation.state, cancellation.answer, cancellation.next_at) == (CancelState.ANSWERED, "partial", None)
    assert ask() == 0


@pytest.mark.parametrize("fault", ["close_no_answer", "h502_html", "h429", "cancel_lost"])
def test_a_lost_answer_is_asked_again_until_the_order_ends(shop: Shop, running: Order, fault: str) -> None:
    shop.simulator.control(script=[fault], actions=["cancel"])
    cancellation = requested(running)
    ask()
    cancellation.refresh_from_db()
    assert cancellation.is_open
    assert cancellation.next_at is not None
    ask()
    cancellation.refresh_from_db()
    assert (cancellation.state, cancellation.tries) == (CancelState.ASKED, 2)
    shop.simulator.control(advance=300)
    shop.follows()
    cancellation.refresh_from_db()
    assert cancellation.state == CancelState.ANSWERED


def test_asking_again_waits_longer_each_time(shop: Shop, running: Order) -> None:
    cancellation, gaps = requested(running), []
    for _n in range(4):
        now = database_now()
        cancellations.record(cancellation.pk, InDoubtItem(), now=now)
        cancellation.refresh_from_db()
        assert cancellation.next_at is not None
        gaps.append(cancellation.next_at - now)
    assert gaps == [timedelta(seconds=60 * n) for n in (1, 2, 4, 8)]


def test_a_service_that_does_not_cancel_says_so_to_the_customer(shop: Shop, running: Order) -> None:
    shop.simulator.control(catalog=[{**row, "cancel": False} for row in ROWS])
    cancellation = requested(running)
    ask()
    cancellation.refresh_from_db()
    assert (cancellation.state, cancellation.answer) == (CancelState.ANSWERED, "not_eligible")
    assert running.events.filter(kind=EventKind.CANCEL_DECLINED).exists()
    assert Hold.objects.get().refunded == 0


def test_a_panel_without_cancel_loses_the_capability(shop: Shop, running: Order) -> None:
    shop.simulator.control(capabilities={"cancel": False})
    cancellation = requested(running)
    ask()
    cancellation.refresh_from_db()
    assert cancellation.state == CancelState.ANSWERED
    assert not Provider.objects.get().can_cancel
    with pytest.raises(NotCancelable):
        requested(running)


def test_one_request_at_a_time(running: Order) -> None:
    first = requested(running)
    with pytest.raises(NotCancelable):
        requested(running)
    with pytest.raises(IntegrityError), transaction.atomic():
        Cancellation.objects.create(order=running, provider=first.provider)


def test_several_requests_go_in_one_call(shop: Shop, alice: User) -> None:
    for n in range(5):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}?fate=stuck&after=900")
    shop.forwards()
    for order in Order.objects.all():
        requested(order)
    assert ask() == 5
    assert shop.simulator.record()["requests"]["actions"]["cancel"] == 1
    assert Cancellation.objects.filter(state=CancelState.ASKED).count() == 5


@pytest.mark.parametrize(
    ("error", "is_spoiled", "asked"),
    [
        (ErrorClass.UNKNOWN_ORDER, lambda ids, dead: dead in ids, 4),
        (ErrorClass.OTHER, lambda ids, dead: dead in ids and len(ids) > 1, 5),
        (ErrorClass.BATCH_TOO_LARGE, lambda ids, dead: len(ids) > 2, 5),
    ],
)
def test_one_id_that_spoils_a_call_keeps_no_other_request_waiting(
    shop: Shop,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    error: ErrorClass,
    is_spoiled: Callable[[Sequence[str], str | None], bool],
    asked: int,
) -> None:
    for n in range(5):
        shop.buys(alice, quantity=10, link=f"https://example.com/p/{n}?fate=stuck&after=900")
    shop.forwards()
    orders = list(Order.objects.order_by("id"))
    for order in orders:
        requested(order)
    honest = ProviderClient.cancel

    def cancel(client: ProviderClient, ids: Sequence[str]) -> dict[str, CancelOutcome]:
        if is_spoiled(ids, orders[2].upstream_id):
            raise Refused(error, "Sipariş bulunamadı")
        return honest(client, ids)

    monkeypatch.setattr(ProviderClient, "cancel", cancel)
    ask()
    assert Cancellation.objects.filter(state=CancelState.ASKED).count() == asked
    assert not Cancellation.objects.exclude(tries=1).exists()


def test_nothing_is_asked_of_a_parked_provider(shop: Shop, running: Order) -> None:
    requested(running)
    Provider.objects.update(parked_at=database_now(), parked_reason="outage")
    assert ask() == 0


def test_canceled_while_it_is_claimed_is_sent_and_kept_or_refunded_and_never_sent(shop: Shop, alice: User) -> None:
    orders = [shop.buys(alice, quantity=10, link=f"https://example.com/r/{n}") for n in range(12)]

    def cancel(order: Order) -> None:
        with contextlib.suppress(NotCancelable):  # it was claimed first, and stays
            request_cancel(order=order, actor="alice@example.com", now=database_now())

    def send() -> None:
        while Order.objects.filter(forward_state=Forward.QUEUED).exists():
            shop.forwards()

    _at_once([send, *(lambda o=o: cancel(o) for o in reversed(orders))])
    links = [accepted["link"] for accepted in shop.accepted()]
    for order in orders:
        order.refresh_from_db()
        sent = links.count(order.link)
        assert (order.forward_state, sent) in ((Forward.PLACED, 1), (Forward.REFUNDED, 0))
        assert order.refunded == (0 if sent else order.charge)
    assert balance(alice) == 100 - sum(o.charge - o.refunded for o in orders)


def test_the_sweep_alone_asks_and_follows_and_rings_when_there_are_workers(
    shop: Shop, running: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancellation, rung = requested(running), list[str]()
    Order.objects.update(next_poll_at=None)
    monkeypatch.setattr(sweep, "ring", rung.append)
    sweep.ring_for_due(now=database_now())
    assert rung == [FOLLOW]
    done = sweep.do_due(now=database_now(), seconds=5)
    assert done.cancellations == 1
    cancellation.refresh_from_db()
    assert cancellation.state == CancelState.ASKED


def test_the_page_asks_and_says_what_it_asked(client: Client, alice: User, running: Order) -> None:
    client.force_login(alice)
    page = reverse("orders:order", args=[running.pk])
    assert "Yes, cancel it" in client.get(page).content.decode()
    client.post(reverse("orders:cancel", args=[running.pk]))
    shown = client.get(page).content.decode()
    assert "Cancel requested" in shown
    assert "Yes, cancel it" not in shown


def test_nobody_cancels_another_customers_order(client: Client, running: Order) -> None:
    client.force_login(User.objects.create_user("eve@example.com", "correct horse battery"))
    assert client.post(reverse("orders:cancel", args=[running.pk])).status_code == 404
    assert not Cancellation.objects.exists()


def _at_once(jobs: list[Callable[[], None]]) -> None:
    def run(job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            connection.close()

    crowd = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
