"""What the pages of each role show: costs, margins and profit only to those who may see what the shop earns."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.models import StaffRole, User
from catalog.models import CustomerPrice, Service
from core.clock import database_now
from notices.alerts import open_alert
from orders.models import Order
from orders.refund_by_hand import refundable
from orders.states import Forward, Progress
from tests.billing import cast
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db

EARNS = ("Profit", "Margin", "margin", "Cost", "Expected charge", "Charged by the provider", "Below cost")


@pytest.fixture
def order(alice: User, service: Service, doubted: Order) -> Order:
    """A running order; there are one in doubt and one that was completed below its cost as well."""
    lost = cast.order(alice, service, "10", nonce="lost")
    cast.placed(lost, "9001", progress=Progress.COMPLETED, provider_charge=Decimal(20), answered_currency="USD")
    cast.settled(lost)
    placed = cast.order(alice, service, "10")
    cast.placed(placed, "9002")
    return placed


def signed_in(role: str) -> Client:
    roles.sync_roles()
    person = User.objects.create_user(f"{role}@example.com", is_staff=True)
    person.groups.add(StaffRole.objects.get(code=role).group)
    return sign_in_staff(person)


def pages(order: Order) -> dict[str, tuple[str, dict[str, str]]]:
    """Pages about money, with what is sent to see them; a GET where that is nothing."""
    refund = {"amount": "4", "reason": "late", "seen": refundable(order).seen}
    doubt = Order.objects.get(forward_state=Forward.IN_DOUBT)
    return {
        "orders": (reverse("admin:orders_order_changelist"), {}),
        "order": (reverse("admin:orders_order_change", args=[order.pk]), {}),
        "refund": (reverse("admin:orders_order_refund", args=[order.pk]), refund),
        "cancel": (reverse("admin:orders_order_cancel", args=[doubt.pk]), {}),
        "doubts": (reverse("admin:orders_doubtfulorder_changelist"), {}),
        "doubt": (reverse("admin:orders_doubtfulorder_change", args=[doubt.pk]), {}),
        "bulk": (f"{reverse('admin:orders_order_bulk')}?do=staff_refund&order={order.pk}", {}),
        "services": (reverse("admin:catalog_service_changelist"), {}),
        "service": (reverse("admin:catalog_service_change", args=[order.service_id]), {}),
    }


def text_of(client: Client, address: str, sent: dict[str, str]) -> str:
    answer = client.post(address, sent) if sent else client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_support_sees_nowhere_what_the_shop_earns(order: Order) -> None:
    support = signed_in("support")
    for name, (address, sent) in pages(order).items():
        text = text_of(support, address, sent)
        assert not [word for word in EARNS if f">{word}" in text or f" {word}<" in text], name
    for name in ("refund", "doubt"):
        assert "Afterwards" in text_of(support, *pages(order)[name]), name
    assert support.get(reverse("admin:catalog_service_prices")).status_code == 403
    assert support.get(reverse("admin:catalog_provider_changelist")).status_code == 403
    assert "Profit" not in text_of(support, reverse("admin:index"), {})


def test_a_manager_and_an_accountant_see_it(order: Order) -> None:
    manager, shown = signed_in("manager"), pages(order)
    for client in (manager, signed_in("accountant")):
        for name in ("orders", "order", "services", "service"):
            assert "argin" in text_of(client, *shown[name]), name
        assert client.get(reverse("admin:catalog_service_prices")).status_code == 200
    assert "Below cost" in text_of(manager, *shown["orders"])
    assert "ost at stake" in text_of(manager, *shown["doubts"])
    for name in ("refund", "doubt", "bulk"):
        assert ">Profit</th>" in text_of(manager, *shown[name]), name


def test_a_catalog_editor_reads_no_address_of_anybody(alice: User, service: Service, owner: User) -> None:
    CustomerPrice.objects.create(customer=alice, service=service, price=Decimal(1))
    editor = signed_in("catalog")
    assert "Margin" in text_of(editor, reverse("admin:catalog_service_changelist"), {})
    for name in ("changelist", "export", "add"):
        assert editor.get(f"{reverse(f'admin:catalog_customerprice_{name}')}?customer={alice.pk}").status_code == 403


def test_a_filter_by_customer_names_only_those_whom_one_may_see(alice: User, owner: User, clerk: User) -> None:
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))
    for person in (alice, owner):
        shown = text_of(sign_in_staff(clerk), f"{reverse('admin:orders_order_changelist')}?customer={person.pk}", {})
        assert person.email not in shown
    shown = text_of(sign_in_staff(owner), f"{reverse('admin:orders_order_changelist')}?customer={alice.pk}", {})
    assert alice.email in shown


def test_balances_of_people_are_for_those_who_see_wallets(alice: User, clerk: User) -> None:
    people = reverse("admin:accounts_user_changelist")
    clerk.user_permissions.set(Permission.objects.filter(codename="view_user"))
    assert "$100" not in text_of(sign_in_staff(clerk), people, {})
    clerk.user_permissions.add(Permission.objects.get(codename="view_wallet"))
    assert "$100" in text_of(sign_in_staff(clerk), people, {})


def test_the_words_of_a_customer_keep_to_themselves_in_a_title(owner: User) -> None:
    open_alert(cause="ticket:1", title="Ticket T: \u202egnorw", path="/admin/", now=database_now())
    shown = text_of(sign_in_staff(owner), reverse("admin:alerts"), {})
    assert "<bdi>Ticket T: \u202egnorw</bdi>" in shown
