"""Mails of news through the real sender to a real SMTP server, while passes run at once and senders are killed."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Pace, User
from core.clock import database_now
from notices import outbox
from notices.models import News, Outbox, SendState
from notices.outbox import LEASE, send_due
from orders import freezing
from orders.mails.sending import mail_news
from orders.models import Order
from storefront import tasks
from tests.mail_server import MailServer, mail_server
from tests.notices.mails import queue_code
from tests.orders.mails.cast import chooses
from tests.pages.cast import Orders, customer, stock

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """What no handler catches, as a kill of the process."""


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as started:
        settings.MAILERS = started.mailer
        yield started


@pytest.fixture
def crowd(db: None) -> list[User]:
    """Three customers with three ended orders each."""
    [service, *_more] = stock()
    people = [customer(f"person{n}@example.com") for n in range(3)]
    for who in people:
        chooses(who, pace=Pace.AT_ONCE)
        orders = Orders(who, service)
        for n in range(3):
            orders.completed(link=f"https://instagram.com/p{n}")
    return people


def at_once(*calls: Callable[[], object]) -> None:
    def run(call: Callable[[], object]) -> None:
        try:
            call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(run, call) for call in calls]:
            done.result()


def orders_named(server: MailServer) -> Counter[str]:
    return Counter(str(mail["Subject"]) for mail in server.received)


def test_passes_at_once_make_each_mail_once(crowd: list[User], server: MailServer) -> None:
    at_once(*[lambda: mail_news(now=database_now())] * 6)
    mail_news(now=database_now())  # what a pass skipped because another one had just let it go
    assert send_due(now=database_now(), only_alerts=False) == 9
    expected = Counter(f"Order #{pk} is completed" for pk in Order.objects.values_list("pk", flat=True))
    assert orders_named(server) == expected
    assert {str(mail["To"]) for mail in server.received} == {who.email for who in crowd}
    assert not News.objects.exists()


def test_the_task_makes_and_sends_mails_in_two_forms(crowd: list[User], server: MailServer, settings: Any) -> None:
    settings.SHOP_URL = "https://a-rather-long-name-of-a-shop.subdomain.example"
    tasks.send_mails()
    assert len(server.received) == 9
    mail = server.received[0]
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # In one piece, however long: encoded or folded inside, no mail program would find it.
    address = f"{settings.SHOP_URL}/fewer-mails/{crowd[0].pk}.order_completed:"
    assert re.fullmatch(rf"<{re.escape(address)}[\w-]{{43}}/>", str(mail["List-Unsubscribe"]))


def test_sender_killed_after_the_server_took_the_mail(
    crowd: list[User], server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_news(now=database_now())

    real, killed = outbox._mine, [True]

    def dying(row: Outbox) -> Any:
        if killed.pop() if killed else False:
            raise Killed
        return real(row)

    monkeypatch.setattr(outbox, "_mine", dying)
    with pytest.raises(Killed):
        send_due(now=database_now(), only_alerts=False)
    send_due(now=database_now() + LEASE + timedelta(minutes=1), only_alerts=False)
    assert Counter(server.ids()).most_common(1)[0][1] == 2
    assert len(set(server.ids())) == 9
    assert set(Outbox.objects.values_list("state", flat=True)) == {SendState.SENT}


def test_a_code_leaves_before_all_the_news(crowd: list[User], server: MailServer) -> None:
    mail_news(now=database_now())
    code = queue_code(to="new@example.com")
    send_due(now=database_now(), only_alerts=False)
    assert server.ids()[0] == code.message_id
    assert len(server.received) == 10


def test_a_frozen_shop_sends_no_news_that_was_made_before(crowd: list[User], server: MailServer) -> None:
    mail_news(now=database_now())
    freezing.freeze(why="test", now=database_now())
    tasks.send_mails()
    assert {str(mail["To"]) for mail in server.received} & {who.email for who in crowd} == set()


def test_what_was_not_sent_within_a_day_is_given_up(crowd: list[User], server: MailServer) -> None:
    mail_news(now=database_now())
    assert send_due(now=database_now() + timedelta(days=1, minutes=1), only_alerts=False) == 0
    assert set(Outbox.objects.values_list("state", "error")) == {(SendState.GIVEN_UP, "Not sent within a day.")}
