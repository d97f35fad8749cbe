"""What ends becomes news once, with it, and a mail once; who wants no mail gets none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Pace, User
from catalog.models import Provider, ProviderService
from core.clock import database_now
from notices.models import News, Outbox, SendState
from orders import freezing
from orders.cancellations import request_cancel
from orders.following import order_answers
from orders.jobs import running
from orders.jobs.kinds import JobKind
from orders.jobs.of_orders import CANCEL, REFILL, start_for_orders
from orders.mails import sending
from orders.mails.sending import MANY, MOST_SINGLE, mail_news, next_daily
from orders.models import Order, Refill
from orders.models.order import Source
from orders.refills import apply_answer, request_refill
from tests.actors import OWNER
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.orders.answers import bought, status
from tests.orders.cast import Shop, customer
from tests.orders.mails.cast import chooses, ends, mails, subjects, tomorrow, waiting
from tests.orders.mass.cast import lines_for, places
from upstream.messages import RefillStatus
from upstream.states import ProviderOrderState, ProviderRefillState

pytestmark = pytest.mark.django_db(transaction=True)


def many(shop: Shop, who: User, count: int) -> list[Order]:
    orders = [shop.buys(who, link=f"https://example.com/p/{n}") for n in range(count)]
    shop.forwards()
    for order in orders:
        order.refresh_from_db()
    return orders


def test_completed_order_is_mailed_once(shop: Shop, alice: User) -> None:
    order = ends(shop, bought(shop, alice))
    assert subjects() == [f"Order #{order.pk} is completed"]
    assert mail_news(now=database_now()) == 0
    assert Outbox.objects.get().to == alice.email
    assert waiting() == 0


def test_partial_order_says_what_came_back(shop: Shop, alice: User) -> None:
    order = ends(shop, bought(shop, alice), ProviderOrderState.PARTIAL, remains=157)
    [mail] = mails()
    assert mail.subject == f"Order #{order.pk} stopped at 843 of 1,000: $0.18369 is back"
    assert "You do not pay for the other 157: $0.18369 is back in your wallet." in mail.body.replace("\n", " ")
    assert "Paid" in mail.body


def test_order_canceled_unsent_and_one_canceled_by_the_supplier(shop: Shop, alice: User) -> None:
    unsent = shop.buys(alice)
    request_cancel(order=unsent, actor=alice.email, now=database_now())
    canceled = ends(shop, bought(shop, alice, link="https://example.com/2"), ProviderOrderState.CANCELED)
    assert subjects() == [f"Order #{o.pk} is canceled: $1.17 is back" for o in (unsent, canceled)]


def test_refund_after_the_end_is_mailed_too(shop: Shop, alice: User) -> None:
    order = ends(shop, bought(shop, alice))
    mails()
    ends(shop, order, ProviderOrderState.PARTIAL, remains=500)
    assert subjects()[1:] == [f"Order #{order.pk} stopped at 500 of 1,000: $0.585 is back"]


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (ProviderRefillState.COMPLETED, "Order #{} is refilled"),
        (ProviderRefillState.REJECTED, "The refill of order #{} was declined"),
    ],
)
def test_end_of_a_refill(shop: Shop, alice: User, state: ProviderRefillState, title: str) -> None:
    chooses(alice, order_completed=False)
    order = ends(shop, bought(shop, alice))
    refill = request_refill(order=order, actor=alice.email, now=database_now())
    type(refill).objects.filter(pk=refill.pk).update(state="requested", upstream_id="7", next_at=None)
    apply_answer(refill.pk, RefillStatus(state=state, raw_state="x"), now=database_now())
    assert subjects() == [title.format(order.pk)]


def test_top_ups_are_mailed_when_credited_and_when_failed(alice: User, settings: Any) -> None:
    settings.DEMO = True
    demo = method()
    paid, failed = started(alice, demo), started(alice, demo)
    DRIVERS["demo"].pays(paid)
    looked(paid)
    DRIVERS["demo"].fails(failed)
    looked(failed)
    assert subjects() == ["$10.00 is in your wallet", f"Top-up T-{failed.pk} failed"]
    looked(paid)
    assert len(mails()) == 2


def test_what_is_switched_off_is_not_mailed(shop: Shop, alice: User) -> None:
    chooses(alice, order_completed=False)
    ends(shop, bought(shop, alice))
    partial = ends(shop, bought(shop, alice, link="https://example.com/2"), ProviderOrderState.PARTIAL, remains=1)
    assert [f"#{partial.pk}" in subject for subject in subjects()] == [True]
    chooses(alice, orders=False)
    ends(shop, bought(shop, alice, link="https://example.com/3"), ProviderOrderState.CANCELED)
    assert len(mails()) == 1
    assert waiting() == 0


def test_news_goes_to_its_own_customer(shop: Shop, alice: User) -> None:
    bob = customer("bob@example.com")
    for who in (alice, bob):
        ends(shop, bought(shop, who, link=f"https://example.com/{who.pk}"))
    assert [mail.to for mail in mails()] == [[alice.email], [bob.email]]
    for who, mail in zip((alice, bob), mails(), strict=True):
        assert f"example.com/{who.pk}" in mail.body


def test_many_at_once_are_one_mail(shop: Shop, alice: User) -> None:
    chooses(alice, pace=Pace.AT_ONCE)
    for order in many(shop, alice, MOST_SINGLE + 1):
        ends(shop, order)
    [mail] = mails()
    assert mail.subject == "News of 6 orders"
    assert mail.body.count("Completed, $1.17") == 6


def test_who_orders_much_gets_one_mail_a_day(shop: Shop, alice: User) -> None:
    orders = many(shop, alice, MANY + 1)
    ends(shop, orders[0])
    assert subjects() == []
    assert waiting() == 1
    ends(shop, orders[1], ProviderOrderState.PARTIAL, remains=500)
    [mail] = mails(at=tomorrow()) or mails(at=tomorrow())
    assert "1 order completed." in mail.body


def test_daily_mail_counts_more_orders_than_it_names_and_only_what_came_back_since_the_last_one(
    shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ROWS", 2)
    monkeypatch.setattr(sending, "MOST_ROWS", 2)
    monkeypatch.setattr(sending, "BATCH", 3)
    chooses(alice, pace=Pace.DAILY)
    first, *others = many(shop, alice, 6)
    ends(shop, first, ProviderOrderState.PARTIAL, remains=500)
    mails()
    [before] = mails(at=next_daily(database_now()))
    assert "$0.585 is back in your wallet." in before.body
    ends(shop, first, ProviderOrderState.CANCELED)
    for order in others:
        ends(shop, order)
    refill = request_refill(order=others[0], actor=alice.email, now=database_now())
    type(refill).objects.filter(pk=refill.pk).update(state="requested", upstream_id="7", next_at=None)
    apply_answer(refill.pk, RefillStatus(state=ProviderRefillState.COMPLETED, raw_state="x"), now=database_now())
    for _pass in range(4):
        mail_news(now=database_now())
    assert (waiting(), News.objects.filter(at_digest=True).count()) == (7, 7)
    _before, mail = mails(at=next_daily(next_daily(database_now())))
    assert mail.subject == "Your day: news of 7 orders"
    assert "5 orders completed." in mail.body
    assert "1 order ended partial, canceled or refunded." in mail.body
    assert "1 refill ended." in mail.body
    assert "$0.585 is back in your wallet." in mail.body
    assert "5 more are in your list of orders." in mail.body
    assert waiting() == 0


def test_daily_mail_names_every_order_since_the_last_one_across_midnight(
    shop: Shop, alice: User, settings: Any
) -> None:
    settings.TIME_ZONE = "America/New_York"
    chooses(alice, pace=Pace.DAILY)
    late, early = datetime(2026, 12, 3, 4, 50, tzinfo=UTC), datetime(2026, 12, 3, 5, 10, tzinfo=UTC)
    first, second = many(shop, alice, 2)
    for order, at in ((first, late), (second, early)):
        order_answers.apply_answers(
            {order.pk: status(ProviderOrderState.COMPLETED)}, provider=shop.provider, asked_at=at, now=at
        )
        assert subjects(at=at) == []
    assert subjects(at=datetime(2026, 12, 3, 21, 59, 59, tzinfo=UTC)) == []
    assert subjects(at=datetime(2026, 12, 3, 22, 0, tzinfo=UTC)) == ["Your day: news of 2 orders"]
    assert waiting() == 0


def test_only_one_daily_mail_leaves_on_a_day(shop: Shop, alice: User) -> None:
    chooses(alice, pace=Pace.DAILY)
    first, second = many(shop, alice, 2)
    ends(shop, first)
    mails()
    at = next_daily(database_now())
    assert len(mails(at=at)) == 1
    ends(shop, second)
    News.objects.update(at_digest=True)  # a pass that was slower than the daily mail
    assert len(mails(at=at)) == 1
    assert News.objects.get().due_at == at + timedelta(days=1)


def test_orders_of_a_mass_order_are_in_bulk(shop: Shop, alice: User) -> None:
    places(alice, lines_for(shop.service, 2))
    assert set(Order.objects.values_list("source", flat=True)) == {Source.MASS}


@pytest.mark.parametrize("source", [Source.API, Source.MASS])
def test_orders_through_the_api_or_in_bulk_are_mailed_once_a_day_and_only_if_chosen(
    shop: Shop, alice: User, source: Source
) -> None:
    before, after = many(shop, alice, 2)
    Order.objects.update(source=source)
    ends(shop, before)
    assert waiting() == 0
    chooses(alice, bulk=True, pace=Pace.AT_ONCE)
    ends(shop, after)
    assert subjects() == []
    assert subjects(at=tomorrow()) == ["Your day: news of 1 order"]


@pytest.mark.parametrize(("kind", "is_sent"), [(CANCEL, False), (CANCEL, True), (REFILL, True)])
def test_what_is_asked_for_in_bulk_is_mailed_once_a_day_and_only_if_chosen(
    shop: Shop, alice: User, kind: JobKind, is_sent: bool
) -> None:
    ProviderService.objects.update(cancel=True)
    Provider.objects.update(can_cancel=True)
    order_one = partial(bought, shop, alice) if is_sent else partial(shop.buys, alice)
    orders = [order_one(link=f"https://example.com/b/{n}") for n in range(3)]
    if kind is REFILL:
        for order in orders:
            ends(shop, order)
        News.objects.all().delete()

    def asked_and_ended(order: Order, nonce: str) -> None:
        now = database_now()
        if nonce:
            start_for_orders(customer=alice, kind=kind, numbers=[order.pk], nonce=nonce, now=now)
            assert running.run_due() == 1
        elif kind is CANCEL:
            request_cancel(order=order, actor=alice.email, now=now)
        else:
            request_refill(order=order, actor=alice.email, now=now)
        if kind is REFILL:
            refill = Refill.objects.latest("pk")
            Refill.objects.filter(pk=refill.pk).update(state="requested", upstream_id=nonce or "7", next_at=None)
            apply_answer(refill.pk, RefillStatus(state=ProviderRefillState.COMPLETED, raw_state="x"), now=now)
        elif is_sent:
            ends(shop, order, ProviderOrderState.CANCELED)

    asked_and_ended(orders[0], "one")
    assert waiting() == 0
    chooses(alice, bulk=True, pace=Pace.AT_ONCE)
    asked_and_ended(orders[1], "two")
    assert News.objects.get().is_quiet
    assert subjects() == []
    asked_and_ended(orders[2], "")
    assert [f"#{orders[2].pk}" in subject for subject in subjects()] == [True]
    assert subjects(at=tomorrow())[1:] == ["Your day: news of 1 order"]


def test_news_is_written_with_the_end_or_not_at_all(shop: Shop, alice: User) -> None:
    order = bought(shop, alice)
    with transaction.atomic():
        ends(shop, order)
        assert waiting() == 1
        transaction.set_rollback(True)


def test_many_ends_cost_no_statement_more(shop: Shop, alice: User) -> None:
    orders = many(shop, alice, 40)

    def queries(some: list[Order]) -> int:
        answers = {o.pk: status(ProviderOrderState.COMPLETED) for o in some}
        now = database_now()
        with CaptureQueriesContext(connection) as caught:
            order_answers.apply_answers(answers, provider=shop.provider, asked_at=now, now=now)
        return len(caught)

    queries(orders[:2])  # which reads what is read once
    few = queries(orders[2:4])
    assert queries(orders[4:]) == few
    assert waiting() == 40


def test_killed_pass_loses_and_doubles_nothing(shop: Shop, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for order in many(shop, alice, 2):
        ends(shop, order)
    real: Callable[..., bool] = sending.queue_news
    asked = []

    def dying(*words: Any, **more: Any) -> bool:
        asked.append(more["key"])
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*words, **more)

    monkeypatch.setattr(sending, "queue_news", dying)
    with pytest.raises(KeyboardInterrupt):
        mail_news(now=database_now())
    assert (waiting(), Outbox.objects.count()) == (2, 0)
    assert len(mails()) == 2
    assert len(mails()) == 2


def test_frozen_shop_mails_nothing_and_a_thaw_drops_what_is_old(shop: Shop, alice: User) -> None:
    first, second, third = many(shop, alice, 3)
    ends(shop, first)
    assert len(mails()) == 1
    freezing.freeze(why="test", now=database_now())
    ends(shop, second)
    assert mail_news(now=database_now()) == 0
    assert waiting() == 1
    freezing.unfreeze(now=database_now(), actor=OWNER, reason="test")
    assert Outbox.objects.get(is_news=True).state == SendState.GIVEN_UP
    assert waiting() == 0
    ends(shop, third)
    assert len(mails()) == 2


def test_what_is_days_old_is_no_news(shop: Shop, alice: User) -> None:
    ends(shop, bought(shop, alice))
    News.objects.update(at=database_now() - timedelta(days=3))
    assert (mails(), waiting()) == ([], 0)


def test_next_daily_mail_in_a_zone_that_sets_its_clocks(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    before = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)  # clocks go back in the night
    assert next_daily(before) == datetime(2026, 10, 25, 16, 0, tzinfo=UTC)
