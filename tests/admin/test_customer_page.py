"""One page for a customer: money, orders, keys, prices, notes and sign-in, what staff may see of it, and freezing."""

import re
from collections.abc import Iterable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.api_keys import create_key
from accounts.freezing import CannotFreeze, freeze_customer
from accounts.models import CustomerGroup, User
from billing import ledger
from catalog.models import CustomerPrice, Service
from core.clock import database_now
from core.models import StaffAction
from core.refusals import NoReason
from core.staff_actions import shell_actor
from orders.models import Order
from storefront.embedded.postgres import OWNER_ROLE
from support.models import CustomerNote
from support.tickets import open_ticket
from tests.api.cast import Panel, key_for
from tests.billing import cast
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.roles import as_role
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db


def page_of(customer: User) -> str:
    return reverse("admin:accounts_user_change", args=[customer.pk])


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.content.decode())


def with_rights(clerk: User, names: Iterable[str]) -> Client:
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    return sign_in_staff(User.objects.get(pk=clerk.pk))


@pytest.fixture
def busy(alice: User, service: Service, partial: Order, settings: Any) -> User:
    """Alice with something in each part of her page."""
    settings.DEMO = True
    now = database_now()
    cast.order(alice, service, "2.5")
    ledger.debit(customer=alice, amount=cast.money("3"), reason="Paid twice", reference="d1", actor="owner")
    topup = started(alice, method())
    DRIVERS["demo"].pays(topup)
    looked(topup)
    create_key(customer=alice, name="bot", now=now)
    CustomerPrice.objects.create(customer=alice, service=service, price=cast.money("0.9"))
    open_ticket(customer=alice, subject="Where is it?", message="?", order=partial, now=now)
    alice.group = CustomerGroup.objects.create(name="Resellers", percent=-5)
    alice.save()
    return alice


def test_its_links_lead_to_lists_of_this_customer_alone(admin: Client, busy: User, service: Service) -> None:
    other = User.objects.create_user("alice@example.com.example", "correct horse battery")
    CustomerPrice.objects.create(customer=other, service=service, price=cast.money("0.8"))
    open_ticket(customer=other, subject="Another one", message="?", now=database_now())
    create_key(customer=other, name="other-bot", now=database_now())
    links = set(re.findall(r'href="([^"]+)"', text_of(admin, page_of(busy))))
    lists = [path for path in links if "/?customer=" in path and "/add/" not in path]
    assert len(lists) == 5
    for path in lists:
        rows = text_of(admin, path).partition("<tbody")[2]
        assert rows, path
        assert other.email not in rows, path


def test_one_page_shows_everything_and_every_sum_leads_to_its_rows(admin: Client, busy: User, partial: Order) -> None:
    text = text_of(admin, page_of(busy))
    for shown in (
        "alice@example.com", "Address not verified", "Reserved in 1 open order", "$2.50", f"#{partial.pk}", "T-", "bot",
        "$0.90", "Where is it?", "Resellers", "-5 %", "Paid twice", "Freeze…", "Credit…", "Debit…",
    ):  # fmt: skip
        assert shown in text, shown
    wallet = busy.wallet
    wallet.refresh_from_db()
    kinds = re.findall(r"\?kind=(\w+)", text)
    assert kinds == ["added", "orders", "refunded", "taken"]
    for kind in kinds:
        answer = admin.get(reverse("admin:accounts_user_statement", args=[busy.pk]), {"kind": kind})
        found = answer.context["statement"].entries
        assert sum(abs(entry.amount) for entry in found) == answer.context["sum"], kind
    assert answer.context["money"].balance == wallet.balance


def test_staff_see_of_a_customer_what_their_rights_allow(clerk: User, busy: User) -> None:
    assert with_rights(clerk, ()).get(page_of(busy)).status_code == 403
    client = with_rights(clerk, ["view_user"])
    text = text_of(client, page_of(busy))
    assert "alice@example.com" in text
    for hidden in ("Balance", "Newest orders", "Top-ups", "API keys", "Own prices", "Notes of staff", "Freeze", "$"):
        assert hidden not in text, hidden
    for name in ("statement", "freeze", "note"):
        path = reverse(f"admin:accounts_user_{name}", args=[busy.pk])
        assert client.post(path).status_code == 403, name
    assert not CustomerNote.objects.exists()
    text = text_of(with_rights(clerk, ["view_user", "view_order", "view_customernote"]), page_of(busy))
    assert "Newest orders" in text
    assert "No note yet." in text
    assert "Keep the note" not in text


def test_staff_and_nobody_have_no_such_page(admin: Client, clerk: User, owner: User) -> None:
    assert "adminform" in admin.get(page_of(clerk)).context
    for pk in (clerk.pk, 999, 2**63):
        for name in ("statement", "freeze"):
            assert admin.get(reverse(f"admin:accounts_user_{name}", args=[pk])).status_code == 404


def test_the_group_is_changed_on_a_form_that_leads_back(admin: Client, alice: User) -> None:
    group = CustomerGroup.objects.create(name="Resellers", percent=-5)
    form = admin.get(page_of(alice), {"edit": "1"})
    assert set(form.context["adminform"].form.fields) == {"group"}
    answer = admin.post(f"{page_of(alice)}?edit=1", {"group": group.pk})
    assert answer["Location"] == page_of(alice)
    alice.refresh_from_db()
    assert (alice.group, alice.is_active) == (group, True)


def test_freezing_says_first_what_becomes_of_keys_orders_and_wallet(
    admin: Client, owner: User, alice: User, service: Service
) -> None:
    order, key, shop = cast.order(alice, service, "2.5"), Panel(key_for(alice)), sign_in_customer(alice)
    assert shop.get(reverse("account")).status_code == 200
    assert "error" not in key("balance")
    path = reverse("admin:accounts_user_freeze", args=[alice.pk])
    text = text_of(admin, path)
    for said in ("1 key is refused at once", "1 order with $2.50 reserved goes on", "$97.50 stays"):
        assert said in text
    # 1. Without a reason nothing happens, and what was typed stays.
    assert "This field is required." in unescape(admin.post(path, {"verb": "freeze", "reason": " "}).content.decode())
    alice.refresh_from_db()
    assert alice.is_active
    # 2. Pages and API are closed at once; the order goes on, and the money is where it was.
    assert admin.post(path, {"verb": "freeze", "reason": "Two disputes"})["Location"] == page_of(alice)
    assert shop.get(reverse("account")).status_code == 302
    assert "error" in key("balance")
    order.refresh_from_db()
    assert order.forward_state == "queued"
    assert cast.balance(alice) == cast.money("97.5")
    page = text_of(admin, page_of(alice))
    assert "Frozen by <bdi>owner@example.com</bdi>" in page
    assert "Two disputes" in page
    # 3. A second click changes nothing; unfreezing gives back everything but the sessions.
    admin.post(path, {"verb": "freeze", "reason": "Two disputes"})
    assert "Two disputes" in text_of(admin, path)
    admin.post(path, {"verb": "unfreeze", "reason": "Settled"})
    assert "error" not in key("balance")
    # The session ended when it was frozen, and does not come back.
    assert shop.get(reverse("account")).status_code == 302
    assert sign_in_customer(alice).get(reverse("account")).status_code == 200
    rows = StaffAction.objects.filter(object_id=str(alice.pk)).order_by("pk").values_list("action", "reason", "actor")
    actor = f"staff:{owner.pk}"
    assert list(rows) == [("customer.freeze", "Two disputes", actor), ("customer.unfreeze", "Settled", actor)]


def test_staff_are_not_frozen_and_no_freezing_is_without_a_reason(clerk: User, alice: User) -> None:
    with pytest.raises(CannotFreeze):
        freeze_customer(customer_id=clerk.pk, reason="x", actor=shell_actor(), now=database_now())
    with pytest.raises(NoReason):
        freeze_customer(customer_id=alice.pk, reason=" ", actor=shell_actor(), now=database_now())


def test_a_key_is_revoked_with_a_reason(admin: Client, alice: User) -> None:
    key = create_key(customer=alice, name="bot", now=database_now()).row
    other = create_key(customer=cast.customer("bob@example.com"), name="his", now=database_now()).row
    path = reverse("admin:accounts_user_revoke", args=[alice.pk, key.pk])
    assert admin.get(reverse("admin:accounts_user_revoke", args=[alice.pk, other.pk])).status_code == 404
    for _twice in range(2):
        assert admin.post(path, {"reason": "leaked"})["Location"] == page_of(alice)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert StaffAction.objects.get(action="api_key.revoke").reason == "leaked"


def test_notes_are_kept_with_author_and_time_and_never_changed(admin: Client, alice: User) -> None:
    path = reverse("admin:accounts_user_note", args=[alice.pk])
    for _twice in range(2):
        admin.post(path, {"text": " Pays on the 6th.\r\n<b>Be quick</b>\x07 "})
    note = CustomerNote.objects.get()
    assert (note.text, note.author) == ("Pays on the 6th.\n<b>Be quick</b>", "owner@example.com")
    text = admin.get(page_of(alice)).content.decode()
    assert "&lt;b&gt;Be quick" in text
    too_long = "long " * 1000
    answer = admin.post(path, {"text": too_long})
    assert "shorten it" in answer.content.decode()
    assert too_long.strip() in answer.content.decode()
    assert "Please write a note." in admin.post(path, {"text": " "}).content.decode()
    for statement in ("UPDATE support_customernote SET text = 'x'", "DELETE FROM support_customernote"):
        with pytest.raises(IntegrityError, match="append-only"), as_role(OWNER_ROLE), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_page_of_a_newcomer_is_complete_and_can_be_credited(admin: Client) -> None:
    newcomer = User.objects.create_user("new@example.com")
    text = text_of(admin, page_of(newcomer))
    for said in ("No order yet.", "No money has moved yet.", "No top-up yet.", "No key yet.", "No ticket yet."):
        assert said in text
    assert reverse("admin:billing_wallet_credit", args=[newcomer.wallet.pk]) in text


def test_the_page_asks_the_same_number_of_questions_whatever_there_is(
    admin: Client, busy: User, service: Service, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(12):
        cast.order(busy, service)
        create_key(customer=busy, name=f"bot {n}", now=database_now()) if n < 5 else None
        open_ticket(customer=busy, subject=f"No. {n}", message="?", now=database_now())
    admin.get(page_of(busy))
    with django_assert_max_num_queries(45):
        admin.get(page_of(busy))
