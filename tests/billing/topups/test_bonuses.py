"""Bonuses: by amount and method, for the first top-up, and for new customers, each once and taken back in time."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from billing.models import BonusRule, FirstBonus, MoneySettings, SignUpCredit, TopUp
from billing.signup_credit import give_signup_credit, person_of
from billing.topups.applying import apply
from core.clock import database_now
from orders import freezing
from tests.billing.cast import balance, customer, money
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import broken, method, moved, reading, started
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return customer(has="0")


def rule(percent: str, **columns: Any) -> BonusRule:
    return BonusRule.objects.create(percent=Decimal(percent), **columns)


def paid(topup: TopUp, **how: Any) -> TopUp:
    return apply(topup.pk, reading(topup, f"{topup.pay_amount:f}", **how), cause="look", now=database_now())


def test_the_best_rule_counts_and_the_first_topup_adds_its_own(alice: User) -> None:
    by = method(bonus_percent=2)
    rule("5", least=money("50"))
    rule("9", least=money("50"), method=method(name="Other"))
    rule("4", least=money("20"), is_on=False)
    rule("10", is_first=True, most=money("3"))
    assert started(alice, by, "10").bonus == money("1.2")
    first = started(alice, by, "100")
    assert (first.bonus, first.first_bonus) == (8, 3)
    paid(first)
    assert balance(alice) == 108
    assert started(alice, by, "100").bonus == 5


def test_of_two_first_topups_one_has_the_bonus(alice: User) -> None:
    by = method()
    rule("10", is_first=True)
    topups = [started(alice, by, "10") for _n in range(6)]
    all_at_once(lambda n: paid(topups[n]).pk, 6)
    assert balance(alice) == 61
    assert FirstBonus.objects.count() == 1
    assert broken() == []


def test_a_refund_takes_the_share_of_the_bonus_and_the_first_is_never_given_again(alice: User) -> None:
    rule("10", is_first=True)
    topup = started(alice, method(), "10")
    paid(topup)
    paid(topup, refunded="10")
    assert balance(alice) == 0
    assert moved(topup) == {"topup": 10, "bonus": 1, "bonus_back": 1, "topup_refund": 10}
    assert started(alice, topup.method, "10").bonus == 0
    assert broken() == []


def test_a_page_says_the_bonus_before_paying(alice: User) -> None:
    method()
    rule("10", is_first=True)
    assert "$11.00" in sign_in_customer(alice).get("/wallet/add/prices/?amount=10").content.decode()


# --- new customers ----------------------------------------------------------------------------------------------------


@pytest.fixture
def terms() -> MoneySettings:
    return MoneySettings.objects.create(signup_credit=money("1"), signup_budget=money("3"))


def give(who: User, network: str = "192.0.2.0/24") -> Decimal | None:
    return give_signup_credit(customer=who, network=network, now=database_now())


@pytest.mark.parametrize("email", ["alice+x@example.com", "ALICE@example.com", "alice@example.com"])
def test_addresses_of_one_mailbox_are_one_person(email: str) -> None:
    assert person_of(email) == person_of("Alice@Example.com")
    assert person_of("a.b+c@googlemail.com") == person_of("ab@gmail.com")
    assert person_of("a.b@example.com") != person_of("ab@example.com")


def test_each_person_and_each_network_has_it_once(terms: MoneySettings, alice: User) -> None:
    assert give(alice) == 1
    assert give(alice, "198.51.100.0/24") is None
    assert give(customer("alice+2@example.com", has="0"), "198.51.100.0/24") is None
    assert give(customer("bob@example.com", has="0")) is None
    assert give(customer("carol@example.com", has="0"), "2001:db8::/64") == 1
    assert balance(alice) == 1
    assert broken() == []


def test_many_at_once_never_pass_the_budget(terms: MoneySettings) -> None:
    people = [customer(f"c{n}@example.com", has="0") for n in range(8)]
    given = all_at_once(lambda n: give(people[n], f"10.0.{n}.0/24"), 8)
    assert sum(each or 0 for each in given) == 3
    assert SignUpCredit.objects.count() == 3
    assert broken() == []


def test_neither_staff_nor_old_customers_nor_a_frozen_shop(terms: MoneySettings, alice: User) -> None:
    assert give(User.objects.create_superuser("boss@example.com")) is None
    User.objects.filter(pk=alice.pk).update(date_joined=database_now() - timedelta(days=30))
    alice.refresh_from_db()
    assert give(alice) is None
    freezing.freeze(why="restored", now=database_now(), is_restored=True)
    assert give(customer("carol@example.com", has="0")) is None


def test_it_is_given_when_the_address_is_confirmed(terms: MoneySettings, client: Client) -> None:
    from allauth.account.models import EmailAddress
    from allauth.account.signals import email_confirmed

    who = customer("new@example.com", has="0")
    EmailAddress.objects.filter(user=who).delete()
    address = EmailAddress.objects.create(user=who, email=who.email, primary=True)
    request = client.get("/").wsgi_request
    address.set_verified(commit=True)
    email_confirmed.send(sender=EmailAddress, request=request, email_address=address)
    assert balance(who) == 1
    assert not mail.outbox
