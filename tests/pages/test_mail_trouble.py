"""What people read when a mail does not reach them: each time a page of the shop with a next step, and never a 500."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.mails import SECRETS
from accounts.models import User
from core.clock import database_now
from notices.models import Outbox, SendState
from notices.outbox import send_due
from tests.mail_server import MailServer, mail_server, nobody_listens
from tests.pages.cast import PASSWORD
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db
CODE_PAGE = "/accounts/confirm-email/"
BOB = "bob@example.com"


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with mail_server() as started:
        settings.MAILERS = started.mailer
        yield started


def sign_up(client: Client, password: str = PASSWORD, email: str = BOB) -> str:
    cache.clear()  # as if the limits of some seconds had passed
    return client.post("/accounts/signup/", {"email": email, "password1": password}, follow=True).content.decode()


def send() -> int:
    return send_due(now=database_now(), only_alerts=False)


def code_in(server: MailServer) -> str:
    [code] = re.findall(r"^([A-Z0-9]{4}-[A-Z0-9]{4})\r?$", str(server.received[-1].get_payload()), re.MULTILINE)
    return str(code)


def read(client: Client) -> str:
    return client.get(CODE_PAGE).content.decode()


def test_a_code_whose_address_is_refused_says_so_and_another_one_works(client: Client, server: MailServer) -> None:
    server.refusals[BOB] = "550 5.1.1 no such user"
    assert "We sent a code to" in sign_up(client)
    send()
    html = read(client)
    assert f"We could not deliver our mail to <bdi>{BOB}</bdi>" in html
    assert "We sent a code to" not in html
    assert "Use another address" in html
    assert client.post("/accounts/logout/", {"next": "/accounts/signup/"})["Location"] == "/accounts/signup/"
    assert 'name="password1"' in client.get("/accounts/signup/").content.decode()
    sign_up(client, email="robert@example.com")
    assert send() == 1
    assert "could not deliver" not in read(client)
    assert client.post(CODE_PAGE, {"code": code_in(server)}).status_code == 302
    assert client.get("/wallet/").status_code == 200


def test_the_page_is_the_same_for_an_address_that_has_an_account(alice: User, server: MailServer) -> None:
    server.refusals |= {BOB: "550 5.1.1 no", alice.email: "550 5.1.1 no"}
    pages = []
    for email in (BOB, alice.email):
        client = Client()
        sign_up(client, email=email)
        send()
        found = re.search(r'role="alert".*?</div>', read(client), re.DOTALL)
        assert found
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", found.group().replace(email, "…")))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("fault", ["away", "hangs", "later", "dies"])
def test_a_mail_server_in_trouble_is_a_delay_and_the_code_still_works(
    client: Client, server: MailServer, settings: Settings, fault: str
) -> None:
    if fault == "away":
        settings.MAILERS = nobody_listens()
    elif fault == "hangs":
        server.hangs = True
    elif fault == "later":
        server.refusals[BOB] = "450 4.3.0 try again later"
    else:
        server.after_data = None
    sign_up(client)
    assert send() == 0
    html = read(client)
    assert f"Our mail to <bdi>{BOB}</bdi> is delayed" in html
    assert EmailAddress.objects.get(email=BOB).verified is False
    settings.MAILERS = server.mailer
    server.hangs, server.after_data = False, "250 Ok"
    server.refusals.clear()
    assert send_due(now=database_now() + timedelta(minutes=1), only_alerts=False) == 1
    assert "is delayed" not in read(client)
    client.post(CODE_PAGE, {"code": code_in(server)})
    assert client.get("/wallet/").status_code == 200


def test_a_mail_that_no_worker_sends_is_a_delay_after_a_minute(client: Client) -> None:
    sign_up(client)
    assert "is delayed" not in read(client)
    Outbox.objects.update(queued_at=F("queued_at") - timedelta(minutes=2))
    assert "is delayed" in read(client)


def test_a_code_that_came_too_late_is_asked_for_anew(client: Client, server: MailServer) -> None:
    sign_up(client)
    send_due(now=database_now() + timedelta(minutes=20), only_alerts=False)
    assert Outbox.objects.get().state == SendState.GIVEN_UP
    assert "could not be sent in time. Ask for another one." in read(client)
    cache.clear()
    client.post(CODE_PAGE, {"action": "resend"})
    assert send() == 1
    assert client.post(CODE_PAGE, {"code": code_in(server)}).status_code == 302


def test_signing_up_again_replaces_the_account_that_waits(server: MailServer) -> None:
    first, second = Client(), Client()
    sign_up(first, "a stranger's password")
    send()
    old_code = code_in(server)
    sign_up(second)
    send()
    assert User.objects.filter(email=BOB).count() == 1
    # Whoever signed up first has nothing of the account any more, with their own code neither.
    assert first.post(CODE_PAGE, {"code": old_code}).status_code == 200
    assert "That is not the code in our last mail." in first.post(CODE_PAGE, {"code": old_code}).content.decode()
    second.post(CODE_PAGE, {"code": code_in(server)})
    assert second.get("/wallet/").status_code == 200
    assert User.objects.get(email=BOB).check_password(PASSWORD)


def test_an_account_that_was_verified_or_has_money_is_never_replaced(alice: User, server: MailServer) -> None:
    sign_up(Client(), "a stranger's password", email=alice.email)
    assert User.objects.get(email=alice.email).pk == alice.pk
    assert Outbox.objects.get().template == "account/email/account_already_exists"
    EmailAddress.objects.update(verified=False)
    sign_up(Client(), "a stranger's password", email=alice.email)
    assert User.objects.get(email=alice.email).check_password(PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_two_sign_ups_at_the_same_moment_make_one_account_and_no_error_page() -> None:
    answers: list[int] = []
    start = threading.Barrier(2)

    def post() -> None:
        try:
            start.wait(10)
            fields = {"email": BOB, "password1": PASSWORD}
            answers.append(Client().post("/accounts/signup/", fields).status_code)
        finally:
            connection.close()

    both = [threading.Thread(target=post) for _number in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(answers) in ([302, 302], [302, 429])
    assert User.objects.filter(email=BOB).count() == 1


def test_a_second_try_within_seconds_reads_the_shops_words(client: Client) -> None:
    sign_up(client)
    for who, link in ((client, "Enter the code from our mail"), (Client(), "Back to sign-in")):
        path, fields = (CODE_PAGE, {"action": "resend"}) if who is client else ("/accounts/signup/", {})
        answer = who.post(path, {"email": BOB, "password1": PASSWORD, **fields})
        assert answer.status_code == 429
        html = answer.content.decode()
        assert "Please wait a minute" in html
        assert link in html
        assert "app.css" in html


def test_every_other_limit_has_the_same_page(client: Client, alice: User) -> None:
    for _number in range(6):
        answer = client.post("/accounts/password/reset/", {"email": alice.email})
    assert answer.status_code == 429
    assert "Please wait a minute" in answer.content.decode()


def test_a_password_reset_that_cannot_be_delivered_says_so_for_anybody(alice: User, server: MailServer) -> None:
    for email in (alice.email, "nobody@example.com"):
        server.refusals[email] = "550 5.1.1 no"
        client = Client()
        client.post("/accounts/password/reset/", {"email": email})
        send()
        html = client.get("/accounts/password/reset/done/").content.decode()
        assert f"We could not deliver our mail to <bdi>{email}</bdi>" in html
        assert '<a class="a" href="/accounts/password/reset/">Use another address</a>' in html


def test_a_new_address_that_takes_no_mail_leaves_the_old_one(alice: User, server: MailServer) -> None:
    signed_in = sign_in_customer(alice)
    server.refusals["typo@example.com"] = "550 5.1.1 no"
    answer = signed_in.post("/accounts/email/", {"email": "typo@example.com", "action_add": ""}, follow=True)
    assert answer.status_code == 200
    send()
    assert "We could not deliver our mail to <bdi>typo@example.com</bdi>" in read(signed_in)
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"


def test_no_code_or_link_stands_readable_in_the_outbox(client: Client, alice: User, server: MailServer) -> None:
    sign_up(client)
    client.post("/accounts/password/reset/", {"email": alice.email})
    rows = list(Outbox.objects.order_by("pk"))
    assert all(row.sealed and not SECRETS & row.data.keys() for row in rows)
    assert send() == 2
    text = " ".join(f"{row.data} {row.key} {row.sealed}" for row in rows)
    links = re.findall(r"/accounts/password/reset/key/\S+", str(server.received[-1].get_payload()))
    assert links
    assert code_in_first(server) not in text
    assert links[0] not in text


def code_in_first(server: MailServer) -> str:
    [code] = re.findall(r"([A-Z0-9]{4}-[A-Z0-9]{4})\r?\n", str(server.received[0].get_payload()))
    return str(code)


def test_a_shop_without_mail_says_that_nobody_can_sign_up(client: Client, settings: Settings) -> None:
    settings.MAIL_IS_SET_UP = False
    html = client.get("/accounts/signup/").content.decode()
    assert "This shop cannot send mail at the moment" in html
    assert client.post("/accounts/signup/", {"email": BOB, "password1": PASSWORD}).status_code == 200
    assert not User.objects.filter(email=BOB).exists()


@pytest.mark.parametrize("email", ["bob@example.com\u202e", "\u202ebob@example.com"])
def test_an_address_with_an_invisible_letter_ends_in_a_page(client: Client, server: MailServer, email: str) -> None:
    answer: Any = client.post("/accounts/signup/", {"email": email, "password1": PASSWORD}, follow=True)
    assert answer.status_code == 200
    send()
    if User.objects.exists():
        assert "We could not deliver our mail" in read(client)
