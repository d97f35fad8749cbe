"""Mails about a balance that fell below what the customer set: once for each fall, at most once a day."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.mail_choices import LOW_BALANCE, set_switches, switch_token
from accounts.models import MailChoices, User
from billing import ledger, low_balance
from billing.low_balance import mail_falls
from core.clock import database_now
from notices.models import Outbox
from tests.billing.cast import money
from tests.billing.test_races import all_at_once
from tests.pages.cast import customer
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    alice = customer()
    MailChoices.objects.create(customer=alice, low_balance=True, low_below=money("20"))
    return alice


def moves(who: User, amount: str) -> None:
    """Bring the balance to ``amount``."""
    change = money(amount) - who.wallet.__class__.objects.get(customer=who).balance
    act = ledger.credit if change > 0 else ledger.debit
    act(customer=who, amount=abs(change), reason="x", reference=f"{amount}:{database_now()}", actor="x")


def round_(**later: Any) -> int:
    return mail_falls(now=database_now() + timedelta(**later))


def test_a_fall_is_mailed_once(alice: User) -> None:
    moves(alice, "20")
    assert round_() == 0
    moves(alice, "19.99")
    assert [round_(), round_()] == [1, 0]
    moves(alice, "5")
    assert round_() == 0
    mail = Outbox.objects.get()
    assert (mail.to, mail.template) == (alice.email, "account/email/news")
    assert mail.data["subject"] == "Your balance is $19.99"


def test_the_next_fall_is_mailed_again_but_no_two_on_a_day(alice: User) -> None:
    moves(alice, "5")
    assert round_() == 1
    moves(alice, "50")
    assert round_() == 0
    moves(alice, "5")
    assert [round_(), round_()] == [0, 0]
    assert [round_(days=1), round_(days=1), round_(days=2)] == [1, 0, 0]


def test_a_customer_whose_mail_fails_keeps_nobody_elses_back(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    bob, real = customer("bob@example.com"), low_balance.mail_language
    MailChoices.objects.create(customer=bob, low_balance=True, low_below=money("20"))

    def failing(who: User) -> str:
        if who == alice:
            raise ZeroDivisionError
        return real(who)

    monkeypatch.setattr(low_balance, "mail_language", failing)
    for who in (alice, bob):
        moves(who, "5")
    assert round_() == 1
    assert Outbox.objects.get(is_news=True).to == bob.email
    assert MailChoices.objects.get(customer=alice).low_since is None


def test_a_link_that_switches_the_mail_on_again_leads_to_the_limit_where_there_is_none(
    alice: User, client: Client
) -> None:
    link = reverse("fewer_mails", args=[switch_token(alice.pk, [LOW_BALANCE])])
    client.post(link)
    MailChoices.objects.update(low_below=None)
    sign_in_customer(alice, client)
    answer = client.post(link, {"action": "on"}, follow=True)
    assert answer.redirect_chain == [("/account/notifications/", 302)]
    assert "Set the balance below which we write to you." in answer.content.decode()
    assert not MailChoices.objects.get().low_balance


def test_nobody_who_did_not_ask_is_mailed(alice: User) -> None:
    bob = customer("bob@example.com")
    set_switches(alice.pk, [LOW_BALANCE], on=False)
    for who in (alice, bob):
        moves(who, "1")
    assert round_() == 0
    set_switches(alice.pk, [LOW_BALANCE], on=True)
    assert round_() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_rounds_at_once_mail_once(alice: User) -> None:
    moves(alice, "5")
    assert sum(all_at_once(lambda _n: round_(), 8)) == 1
    assert Outbox.objects.count() == 1


def test_the_customer_sets_and_clears_the_limit(alice: User, client: Client) -> None:
    sign_in_customer(alice, client)
    page = "/account/notifications/"
    assert 'value="20"' in client.get(page).content.decode()
    for wrong in ("0", "x", "-1", "1e99"):
        answer = client.post(page, {"pace": "auto", "low_below": wrong})
        assert answer.context["form"].errors["low_below"]
        assert f'value="{wrong}"' in answer.content.decode()
    client.post(page, {"pace": "auto", "low_below": "7.5"})
    assert MailChoices.objects.get().low_below == Decimal("7.5")
    client.post(page, {"pace": "auto", "low_below": ""})
    assert not MailChoices.objects.get().low_balance


@pytest.mark.parametrize("below", [None, "0", "-1"])
def test_the_database_refuses_a_senseless_limit(alice: User, below: str | None) -> None:
    with pytest.raises(IntegrityError, match="mail_choices_low_below_sane"):
        MailChoices.objects.update(low_below=below)
