"""Staff see the shop as a customer does, for half an hour, and change nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.urls import get_resolver, reverse

from accounts import viewing
from accounts.models import User
from core.models import StaffAction
from tests.ops.test_hostile_input import paths, patterns
from tests.orders.staff import clerk_with
from tests.pages.cast import Orders, customer, mass_order_of, refill_of_all, stock
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
#: What may differ after a request that changes nothing: the session of the member of staff.
ASIDE = frozenset({"django_session", "usersessions_usersession"})


@pytest.fixture
def orders(db: None) -> Orders:
    made = Orders(customer("maya@example.com", money="50"), stock()[0])
    made.completed()
    mass_order_of(made.who, made.service)
    refill_of_all(made.who)
    return made


@pytest.fixture
def maya(orders: Orders) -> User:
    return orders.who


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def begins(client: Client, person: User, reason: str = "asked in a ticket") -> Any:
    return client.post(reverse("admin:accounts_user_view_as", args=[person.pk]), {"reason": reason})


def rows() -> dict[str, int]:
    """How many rows each table has, and the newest of each."""
    return {
        model._meta.db_table: hash(tuple(sorted(map(repr, model._default_manager.values_list()))))
        for model in apps.get_models()
        if model._meta.managed and model._meta.db_table not in ASIDE
    }


def test_it_begins_with_a_reason_and_ends_by_a_button(owner: Client, maya: User, orders: Orders) -> None:
    order = orders.queued()
    assert begins(owner, maya, reason=" ").status_code == 200
    assert begins(owner, maya).url == reverse("catalog:prices")
    page = owner.get(reverse("orders:order", args=[order.pk]))
    assert page.status_code == 200
    html = page.content.decode()
    assert "You see the shop as" in html
    assert "maya@example.com" in html
    # The admin is as ever.
    assert owner.get(reverse("admin:accounts_user_change", args=[maya.pk])).status_code == 200
    assert owner.post(reverse("stop_viewing")).url == reverse("admin:accounts_user_change", args=[maya.pk])
    assert owner.get(reverse("orders:order", args=[order.pk])).status_code == 404
    begun, ended = StaffAction.objects.order_by("pk")
    assert (begun.action, begun.reason, ended.action) == (
        "customer.view_begin", "asked in a ticket", "customer.view_end",
    )  # fmt: skip
    assert {begun.object_id, ended.object_id} == {str(maya.pk)}


def test_it_ends_by_itself(owner: Client, maya: User, monkeypatch: pytest.MonkeyPatch) -> None:
    begins(owner, maya)
    now = viewing.database_now()
    monkeypatch.setattr(viewing, "database_now", lambda: now + viewing.LASTS + timedelta(seconds=1))
    assert owner.get(reverse("billing:wallet")).url == reverse("admin:index")
    assert "You see the shop as" not in owner.get(reverse("billing:wallet")).content.decode()
    assert StaffAction.objects.filter(action="customer.view_end").count() == 1


def test_each_viewing_ends_in_the_log(owner: Client, maya: User) -> None:
    """The next one ends the one before, and so does signing out from the admin."""
    other = customer("second@example.com")
    begins(owner, maya)
    begins(owner, other)
    owner.post(reverse("admin:logout"))
    log = StaffAction.objects.filter(action__startswith="customer.view").order_by("pk")
    assert list(log.values_list("action", "object_id", "actor")) == [
        (f"customer.view_{what}", str(who.pk), f"staff:{User.objects.get(email='owner@example.com').pk}")
        for what, who in (("begin", maya), ("end", maya), ("begin", other), ("end", other))
    ]


def test_every_page_is_shown_or_not_found_and_none_takes_anything(owner: Client, maya: User, orders: Orders) -> None:
    orders.queued()
    assert begins(owner, maya).status_code == 302
    before, seen = rows(), {}
    for name, address in addresses():
        for method in ("get", "post", "put", "delete"):
            answer = getattr(owner, method)(address)
            seen[name, method] = answer.status_code
    changed = {table for table, state in rows().items() if state != before[table]}
    assert changed == set()
    assert mail.outbox == []
    hidden = {name for (name, method), status in seen.items() if method == "get" and status == 404}
    for name in ("account", "api_keys", "billing:csv", "account_email", "mfa_index", "usersessions_list"):
        assert name in hidden
    shown = {name for (name, method), status in seen.items() if method == "get" and status == 200}
    assert {
        "billing:wallet",
        "orders:list",
        "orders:new",
        "catalog:prices",
        "orders:order",
        "billing:add_funds",
    } <= shown
    for (name, method), status in seen.items():
        if method != "get":
            # A POST to the home page is answered before, as a call to the API at a wrong address.
            assert status in (403, 404) or name == "catalog:prices", (name, method, status)
        if method == "get":
            assert status < 500, name


def test_no_file_of_the_customer_can_be_taken(owner: Client, maya: User) -> None:
    files = {name: path for name, path in addresses() if path.rstrip("/").endswith(("csv", "pdf"))}
    assert {"billing:csv", "billing:document_pdf", "orders:csv", "orders:mass_left", "orders:job_results"} <= set(files)
    begins(owner, maya)
    for name, path in files.items():
        assert name.endswith(viewing.HIDDEN), name
        assert owner.get(path).status_code == 404, name


def test_only_whom_it_is_granted_views_and_only_customers(owner: Client, maya: User) -> None:
    clerk = clerk_with("view_user")
    assert begins(clerk, maya).status_code == 403
    colleague = User.objects.get(email="clerk@example.com")
    assert "Only an active customer" in begins(owner, colleague).content.decode()
    may = clerk_with_more("view_user", "view_as_customer")
    assert begins(may, maya).status_code == 302
    User.objects.get(email="second@example.com").user_permissions.clear()
    assert may.get(reverse("billing:wallet")).status_code == 302
    assert maya.email not in may.get(reverse("billing:wallet")).content.decode()


def clerk_with_more(*codenames: str) -> Client:
    person = User.objects.create_user("second@example.com", "correct horse battery", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return sign_in_staff(person)


#: Pages about nobody, outside of the shop.
NEUTRAL = frozenset({
    "healthz", "readyz", "robots", "favicon", "sitemap", "sitemap_file", "webhook", "api:endpoint", "stop_viewing",
})  # fmt: skip


def addresses() -> list[tuple[str, str]]:
    """Every address outside of the admin, about rows of the customer where it names some."""
    found = []
    for name, parts in patterns(get_resolver()):
        if not name.startswith("admin:") and name not in NEUTRAL and name != "fewer_mails":
            found.append((name, paths(name, parts)[0]))
    return found
