import re

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import Account, Hold, Transfer
from core.clock import database_now
from core.models import StaffAction
from tests.billing import cast
from tests.billing.cast import balance, customer, money
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


def wallet_of(user: User) -> Account:
    return Account.objects.get(customer=user)


def page(action: str, user: User) -> str:
    return reverse(f"admin:billing_wallet_{action}", args=[wallet_of(user).pk])


def nonce_in(answer: HttpResponse) -> str:
    found = re.search(r'name="nonce" value="([0-9a-f]{32})"', answer.content.decode())
    assert found is not None
    return found[1]


def filled(client: Client, action: str, user: User, amount: str = "12.5", reason: str = "Sorry") -> dict[str, str]:
    return {"amount": amount, "reason": reason, "nonce": nonce_in(client.get(page(action, user)))}


def test_a_credit_is_confirmed_before_it_is_made(admin: Client, alice: User) -> None:
    form = filled(admin, "credit", alice)
    asked = admin.post(page("credit", alice), form)
    assert "$112.50" in asked.content.decode()
    assert balance(alice) == money("100")
    done = admin.post(page("credit", alice), {**form, "confirmed": "1"}, follow=True)
    assert balance(alice) == money("112.5")
    assert "Credited $12.50 to alice@example.com." in done.content.decode()
    given = Transfer.objects.first()
    assert given is not None
    assert (given.memo, given.actor) == ("Sorry", "owner@example.com")


def test_the_confirmed_form_sent_twice_credits_once(admin: Client, alice: User) -> None:
    form = {**filled(admin, "credit", alice), "confirmed": "1"}
    admin.post(page("credit", alice), form)
    again = admin.post(page("credit", alice), form, follow=True)
    assert balance(alice) == money("112.5")
    assert "credited before" in again.content.decode()


def test_one_form_sent_with_two_amounts_credits_the_first(admin: Client, alice: User) -> None:
    form = {**filled(admin, "credit", alice), "confirmed": "1"}
    admin.post(page("credit", alice), form)
    other = admin.post(page("credit", alice), {**form, "amount": "99"})
    assert "sent before with other amounts" in other.content.decode()
    assert balance(alice) == money("112.5")


def test_two_forms_are_two_credits(admin: Client, alice: User) -> None:
    for _ in range(2):
        admin.post(page("credit", alice), {**filled(admin, "credit", alice), "confirmed": "1"})
    assert balance(alice) == money("125")


def test_going_back_keeps_the_input_and_credits_nothing(admin: Client, alice: User) -> None:
    answer = admin.post(page("credit", alice), {**filled(admin, "credit", alice), "back": "Change"})
    assert 'value="12.5"' in answer.content.decode()
    assert 'name="confirmed"' not in answer.content.decode()
    assert balance(alice) == money("100")


def test_a_debit_takes_money_out(admin: Client, alice: User) -> None:
    admin.post(page("debit", alice), {**filled(admin, "debit", alice), "confirmed": "1"})
    assert balance(alice) == money("87.5")


def test_a_debit_above_the_balance_is_refused(admin: Client, alice: User) -> None:
    answer = admin.post(page("debit", alice), {**filled(admin, "debit", alice, "100.01"), "confirmed": "1"})
    assert "not enough money" in answer.content.decode()
    assert balance(alice) == money("100")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount": "NaN"}, "Please enter a number"),
        ({"amount": "1,234"}, "This may be 1234 or 1.2340."),
        ({"amount": "-5"}, "is not an amount"),
        ({"amount": "0"}, "more than 0"),
        ({"amount": "0.000001"}, "at most five places"),
        ({"amount": "999999999999.99999"}, "more than the ledger can count"),
        ({"amount": ""}, "This field is required"),
        ({"reason": "   "}, "This field is required"),
        ({"nonce": "1"}, "This form is not complete"),
    ],
)
def test_an_invalid_form_shows_why_and_moves_nothing(
    admin: Client, alice: User, change: dict[str, str], says: str
) -> None:
    answer = admin.post(page("credit", alice), {**filled(admin, "credit", alice), **change, "confirmed": "1"})
    assert says in answer.content.decode()
    assert balance(alice) == money("100")


def test_input_is_escaped(admin: Client, alice: User) -> None:
    answer = admin.post(page("credit", alice), filled(admin, "credit", alice, reason="<script>alert(1)</script>"))
    assert "<script>alert(1)" not in answer.content.decode()


def test_staff_need_permission_to_move_money(clerk: User, alice: User) -> None:
    client = sign_in_staff(clerk)
    assert client.get(page("credit", alice)).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="view_wallet", content_type__app_label="billing"))
    form = {"amount": "1", "reason": "r", "nonce": "0" * 32, "confirmed": "1"}
    assert client.post(page("credit", alice), form).status_code == 403
    seen = client.get(page("change", alice))
    assert seen.status_code == 200
    assert page("credit", alice) not in seen.content.decode()
    assert balance(alice) == money("100")


def test_customers_and_visitors_have_no_access(alice: User) -> None:
    for client in (Client(), sign_in_staff(alice)):
        assert client.post(page("credit", alice), {"amount": "1", "reason": "r"}).status_code in (302, 403)
    assert balance(alice) == money("100")


def test_the_wallet_shows_its_movements_and_what_is_reserved(admin: Client, alice: User) -> None:
    cast.hold(alice, "order:42", money("2.64"))
    text = admin.get(page("change", alice)).content.decode()
    for shown in ("order:42", "$97.36", "Bank transfer", "−$2.64"):
        assert shown in text


def test_a_frozen_wallet_is_unfrozen_once_with_a_reason(admin: Client, alice: User) -> None:
    Account.objects.filter(customer=alice).update(frozen_at=database_now())
    path = page("unfreeze", alice)
    assert path in admin.get(page("change", alice)).content.decode()
    assert "$100.00 can be spent again." in admin.get(path).content.decode()
    assert "This field is required." in admin.post(path, {"reason": " "}).content.decode()
    assert wallet_of(alice).frozen_at is not None
    for said in ("The wallet can be used again.", "The wallet was not frozen."):
        assert said in admin.post(path, {"reason": "the dispute was won"}, follow=True).content.decode()
    assert wallet_of(alice).frozen_at is None
    assert StaffAction.objects.get(action="wallet.unfreeze").reason == "the dispute was won"


def test_a_wallet_cannot_be_edited(admin: Client, alice: User) -> None:
    answer = admin.post(page("change", alice), {"balance": "1000000", "frozen_at": "", "kind": "owner"})
    assert answer.status_code == 403
    assert admin.post(reverse("admin:billing_wallet_add"), {"kind": "wallet"}).status_code == 403
    assert admin.post(page("delete", alice), {"post": "yes"}).status_code == 403
    assert balance(alice) == money("100")


@pytest.mark.parametrize("model", ["transfer", "hold"])
def test_transfers_and_holds_are_read_only(admin: Client, alice: User, model: str) -> None:
    cast.hold(alice, "order:42", money("2.64"))
    row = (Transfer if model == "transfer" else Hold).objects.first()
    assert row is not None
    listed = admin.get(reverse(f"admin:billing_{model}_changelist"), {"q": "order:42"})
    assert "$2.64" in listed.content.decode()
    for action in ("change", "delete"):
        assert admin.post(reverse(f"admin:billing_{model}_{action}", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert admin.post(reverse(f"admin:billing_{model}_add"), {}).status_code == 403


def test_the_wallet_list_needs_a_constant_number_of_queries(
    admin: Client, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(reverse("admin:billing_wallet_changelist")).status_code == 200
        return len(asked)

    customer("a@example.com")
    cost()  # The first page counts for the menu.
    first = cost()
    for n in range(8):
        cast.hold(customer(f"{n}@example.com"), f"order:{n}", money("1"))
    assert cost() == first
