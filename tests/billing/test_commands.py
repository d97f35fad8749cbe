import json
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import Transfer
from tests.billing.cast import balance, customer, money

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def facts(*words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run(*words, "--json"))
    return told


def signs_in(client: Client, email: str, password: str) -> bool:
    client.post(reverse("account_login"), {"login": email, "password": password})
    return "_auth_user_id" in client.session


def test_a_made_customer_can_sign_in_at_once_and_has_the_money(client: Client) -> None:
    told = facts("create_customer", "Carol@Example.com", "--password", "correct horse", "--credit", "100.00")
    assert (told["created"], told["verified"], told["credited"], told["balance"]) == (True, True, True, "100.00000")
    assert told["password"] is None
    carol = User.objects.get(email="carol@example.com")
    assert not carol.is_staff
    assert not carol.is_superuser
    assert signs_in(client, "carol@example.com", "correct horse")


def test_a_password_is_made_up_and_shown_once_when_none_is_given(client: Client) -> None:
    password = facts("create_customer", "carol@example.com")["password"]
    assert len(password) >= 12
    assert signs_in(client, "carol@example.com", password)
    assert facts("create_customer", "carol@example.com")["password"] is None


def test_a_repeat_changes_nothing_and_credits_once(client: Client) -> None:
    words = ("create_customer", "carol@example.com", "--password", "correct horse", "--credit", "100.00")
    run(*words)
    again = facts("create_customer", "CAROL@example.com", "--password", "another one", "--credit", "100.00")
    assert (again["created"], again["credited"], again["balance"]) == (False, False, "100.00000")
    assert Transfer.objects.count() == 1
    assert signs_in(client, "carol@example.com", "correct horse")


def test_a_repeat_with_another_credit_is_refused() -> None:
    run("create_customer", "carol@example.com", "--credit", "100")
    with pytest.raises(CommandError, match="opening credit before"):
        run("create_customer", "carol@example.com", "--credit", "200")


def test_a_bad_credit_makes_nobody() -> None:
    with pytest.raises(CommandError, match="five places"):
        run("create_customer", "carol@example.com", "--credit", "0.000001")
    assert not User.objects.exists()


@pytest.mark.parametrize("address", ["", "carol", "carol@", "a b@example.com"])
def test_what_is_no_address_is_no_customer(address: str) -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        run("create_customer", address)


def test_staff_never_become_customers() -> None:
    User.objects.create_superuser("owner@example.com", "x")
    with pytest.raises(CommandError, match="staff"):
        run("create_customer", "owner@example.com", "--credit", "1")
    with pytest.raises(CommandError, match="staff"):
        run("credit_wallet", "owner@example.com", "1", "--reason", "r")


def test_an_address_somebody_merely_claimed_is_not_verified_by_a_repeat() -> None:
    squatter = User.objects.create_user("victim@example.com", "mine now")
    EmailAddress.objects.create(user=squatter, email="victim@example.com", verified=False, primary=True)
    told = facts("create_customer", "victim@example.com")
    assert (told["created"], told["verified"]) == (False, False)
    assert "not verified" in run("create_customer", "victim@example.com")


def test_a_credit_with_a_reference_is_given_once() -> None:
    alice = customer(has="0")
    words = ("credit_wallet", "Alice@example.com", "25.5", "--reason", "Bank transfer", "--reference", "bank:77")
    assert facts(*words) == {
        "email": "alice@example.com",
        "amount": "25.50000",
        "reference": "bank:77",
        "credited": True,
        "balance": "25.50000",
    }
    assert facts(*words)["credited"] is False
    assert "credited before" in run(*words)
    assert balance(alice) == money("25.5")


def test_without_a_reference_each_run_credits() -> None:
    alice = customer(has="0")
    for _ in range(2):
        run("credit_wallet", "alice@example.com", "1", "--reason", "Sorry")
    assert balance(alice) == money("2")
    assert set(Transfer.objects.values_list("memo", "actor")) == {("Sorry", "manage.py credit_wallet")}


def test_a_reference_of_another_credit_is_refused() -> None:
    alice = customer(has="0")
    run("credit_wallet", "alice@example.com", "1", "--reason", "r", "--reference", "bank:77")
    with pytest.raises(CommandError, match="used for another credit"):
        run("credit_wallet", "alice@example.com", "2", "--reason", "r", "--reference", "bank:77")
    assert balance(alice) == money("1")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("alice@example.com", "NaN", "--reason", "r"), "not an amount"),
        (("alice@example.com", "0", "--reason", "r"), "more than 0"),
        (("alice@example.com", "-5", "--reason", "r"), "not an amount"),
        (("alice@example.com", "0.000001", "--reason", "r"), "five places"),
        (("alice@example.com", "1000000000000", "--reason", "r"), "below"),
        (("alice@example.com", "999999999999.99999", "--reason", "r"), "more than the ledger can count"),
        (("alice@example.com", "1", "--reason", " "), "needs a reason"),
        (("alice@example.com", "1"), "--reason"),
        (("alice@example.com", "1", "--reason", "r", "--reference", " "), "1 to 100"),
        (("alice@example.com", "1", "--reason", "r", "--reference", "x" * 101), "1 to 100"),
        (("nobody@example.com", "1", "--reason", "r"), "no customer"),
    ],
)
def test_a_bad_credit_says_why_and_moves_nothing(words: tuple[str, ...], says: str) -> None:
    alice = customer(has="1")
    with pytest.raises(CommandError, match=says):
        run("credit_wallet", *words)
    assert balance(alice) == money("1")
