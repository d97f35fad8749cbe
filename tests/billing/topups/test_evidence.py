"""The evidence file of a payment: what its money paid, first in and first out, and what became of that."""

import json
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import ledger
from billing.documents import pdf
from billing.evidence.orders_paid import PaidOrder, orders_paid_by
from billing.models import Hold, TopUp
from catalog.models import Service
from tests.billing import cast
from tests.billing.cast import customer, hold, money
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return customer(has="5")


@pytest.fixture
def topup(alice: User) -> TopUp:
    topup = started(alice, method(), "10")
    DRIVERS["demo"].pays(topup)
    return looked(topup)


def test_what_came_first_is_spent_first(alice: User, topup: TopUp) -> None:
    hold(alice, "order:1", money("3"))
    hold(alice, "order:2", money("4"))
    hold(alice, "order:3", money("6"))
    assert orders_paid_by(topup) == [
        PaidOrder("order:2", Decimal(2), Decimal(0)), PaidOrder("order:3", Decimal(6), Decimal(0)),
    ]  # fmt: skip


def test_a_refund_is_in_the_wallet_again_as_what_it_was(alice: User, topup: TopUp) -> None:
    hold(alice, "order:1", money("8"))
    ledger.post(ledger.settlement_postings(Hold.objects.get(pk="order:1"), money("4"), close=True))
    assert orders_paid_by(topup) == [PaidOrder("order:1", Decimal(3), Decimal(3))]
    hold(alice, "order:2", money("3"))
    found = orders_paid_by(topup)
    assert found[1] == PaidOrder("order:2", Decimal(2), Decimal(0))


@pytest.fixture
def boss() -> Client:
    return sign_in_staff(User.objects.create_superuser("boss@example.com"))


def test_one_click_says_who_paid_what_was_ordered_and_which_terms_held(alice: User, topup: TopUp, boss: Client) -> None:
    sold: Service = cast.service()
    made = cast.order(alice, sold, "9")
    facts = json.loads(boss.get(reverse("admin:billing_topup_evidence", args=[topup.pk])).content)
    assert facts["payment"]["number"] == topup.number
    assert facts["customer"]["e-mail"] == alice.email
    assert [(each["order"], Decimal(each["paid"])) for each in facts["orders"]] == [(made.pk, 4)]
    assert facts["orders"][0]["link"] == made.link
    assert facts["payments"][0]["amount"] == "10.00 USD"
    assert facts["receipts"]


@pytest.mark.skipif(not pdf.is_available(), reason="WeasyPrint or Pango is not installed")
def test_it_is_a_pdf_as_well(topup: TopUp, boss: Client) -> None:
    answer = boss.get(reverse("admin:billing_topup_evidence", args=[topup.pk]) + "?as=pdf")
    assert answer.content.startswith(b"%PDF-")


def test_customers_see_none(alice: User, topup: TopUp) -> None:
    page = reverse("admin:billing_topup_evidence", args=[topup.pk])
    assert sign_in_customer(alice).get(page).status_code in (302, 403, 404)
