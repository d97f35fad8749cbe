"""Whatever adds a customer adds a wallet, and the wallet is credited from the customer's own page."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.customers import register_customer
from accounts.models import User
from accounts.sign_up import never_verified
from billing import ledger
from billing.models import Account, AccountKind, Hold
from tests.billing import cast
from tests.billing.cast import balance, money
from tests.pages.cast import PASSWORD
from tests.roles import unguarded
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


def wallets() -> dict[str, tuple[str, str]]:
    rows = Account.objects.filter(customer__isnull=False).values_list("customer__email", "kind", "balance")
    return {email: (kind, f"{balance:.2f}") for email, kind, balance in rows}


def test_whatever_adds_a_customer_adds_an_empty_wallet() -> None:
    Client().post("/accounts/signup/", {"email": "page@example.com", "password1": PASSWORD})
    register_customer(email="command@example.com")
    User.objects.create_user("shell@example.com")
    User.objects.bulk_create([User(email="bulk@example.com")])
    User.objects.create_user("clerk@example.com", is_staff=True)
    empty = (AccountKind.WALLET, "0.00")
    names = ("page", "command", "shell", "bulk")
    assert wallets() == {f"{name}@example.com": empty for name in names}


def test_staff_who_become_customers_get_a_wallet_once() -> None:
    person = User.objects.create_user("clerk@example.com", is_staff=True)
    for is_staff in (False, True, False):
        person.is_staff = is_staff
        person.save()
    assert list(wallets()) == ["clerk@example.com"]


def test_the_shop_opens_no_wallet_with_money_in_it() -> None:
    person = User.objects.create_user("clerk@example.com", is_staff=True)
    with pytest.raises(IntegrityError, match="an account starts at 0"), transaction.atomic():
        Account.objects.create(kind=AccountKind.WALLET, name="x", customer=person, balance=money("5"))


def test_customers_from_before_get_their_wallets_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    step = import_module("billing.migrations.0009_wallets_of_old_customers")
    monkeypatch.setattr(step, "BATCH", 2)
    with unguarded():  # without the trigger, as before the upgrade
        old = [User.objects.create_user(f"old{n}@example.com") for n in range(5)]
        User.objects.create_user("clerk@example.com", is_staff=True)
    assert wallets() == {}
    rich = cast.customer("rich@example.com", "7")
    for _repeat in range(2):
        with connection.schema_editor() as editor:
            step.fill_in(apps, editor)
    assert set(wallets()) == {person.email for person in (*old, rich)}
    assert balance(rich) == money("7")


def test_an_unused_wallet_does_not_keep_an_account_and_money_does() -> None:
    unused, credited = (User.objects.create_user(f"{name}@example.com") for name in ("unused", "credited"))
    ledger.credit(customer=credited, amount=money("1"), reason="gift", reference="gift", actor="owner")
    assert list(never_verified()) == [unused]
    never_verified().delete()
    assert list(wallets()) == ["credited@example.com"]


def test_a_newcomer_is_credited_in_three_clicks_from_the_person(owner_client: Client) -> None:
    newcomer = User.objects.create_user("new@example.com")
    person = owner_client.get(reverse("admin:accounts_user_change", args=[newcomer.pk])).content.decode()
    credit = reverse("admin:billing_wallet_credit", args=[ledger.wallet_of(newcomer).pk])
    assert f'href="{credit}"' in person
    form = {"amount": "12.5", "reason": "Bank transfer", "nonce": "0" * 32}
    owner_client.post(credit, form)
    owner_client.post(credit, {**form, "confirmed": "1"})
    assert balance(newcomer) == money("12.5")
    found = owner_client.get(reverse("admin:billing_wallet_changelist"), {"q": "new@"})
    assert [w.customer for w in found.context["cl"].result_list] == [newcomer]


def test_the_page_of_a_customer_shows_money_orders_and_keys(owner_client: Client) -> None:
    alice, bob = cast.customer(), cast.customer("bob@example.com")
    service = cast.service(cast.provider())
    order = cast.order(alice, service, "2.5")
    cast.order(bob, service)
    hold = Hold.objects.get(reference=order.reference)
    assert hold.charged == money("2.5")
    text = owner_client.get(reverse("admin:accounts_user_change", args=[alice.pk])).content.decode()
    for shown in ("97.50", "2.50", "Reserved in 1 open order", f"#{order.pk}", "No key yet."):
        assert shown in text
    mine = owner_client.get(reverse("admin:orders_order_changelist"), {"customer": alice.pk})
    assert [o.pk for o in mine.context["cl"].result_list] == [order.pk]
    for wrong in ("x", "0", "٣", "9" * 30):
        owner_client.get(reverse("admin:orders_order_changelist"), {"customer": wrong})


def test_staff_see_of_a_customer_what_their_rights_allow() -> None:
    alice = cast.customer()
    cast.order(alice, cast.service(cast.provider()))
    clerk = User.objects.create_user("clerk@example.com", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_user"))
    page = reverse("admin:accounts_user_change", args=[alice.pk])
    text = sign_in_staff(clerk).get(page).content.decode()
    for hidden in ("Reserved in", "Newest orders", "API keys</h2>", "/credit/"):
        assert hidden not in text


@pytest.fixture
def owner_client() -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))
