"""Search over everything: exact hits first, straight to the only one, through indexes, for those who may see it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.finding import LOOKED_THROUGH, people_with
from accounts.models import EMAIL_DOMAIN, User
from catalog.links.reader import link_key
from catalog.models import Service
from core.clock import database_now
from orders.models import Order
from support.models import Ticket
from support.tickets import open_ticket
from tests.billing import cast
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


def found(client: Client, text: str) -> dict[str, list[str]]:
    """The titles of what a search shows, by heading; those that are exact under ""."""
    answer = client.get(reverse("admin:find"), {"q": text})
    assert answer.status_code == 200, answer.headers
    result = answer.context["found"]
    groups = {str(group.name): [hit.title for hit in group.hits] for group in result.groups}
    return groups | ({"": [hit.title for hit in result.exact]} if result.exact else {})


def straight(client: Client, text: str) -> str:
    """The page that a search leads straight to."""
    answer = client.get(reverse("admin:find"), {"q": text})
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def change(name: str, pk: object) -> str:
    return reverse(f"admin:{name}_change", args=[pk])


@pytest.fixture
def order(alice: User, service: Service) -> Order:
    """Order 4711, which its provider calls 88000111."""
    link = "https://www.instagram.com/p/C1a2B3c4D5e/?igsh=x"
    order = cast.order(alice, service, id=4711, link=link, link_key=link_key(link))
    cast.placed(order, "88000111")
    return order


def test_a_number_of_one_thing_leads_straight_there(
    admin: Client, alice: User, order: Order, service: Service, settings: Any
) -> None:
    settings.DEMO = True
    page = change("orders_order", order.pk)
    for typed in ("4711", "#4711", " ٤٧١١ ", "88000111"):
        assert straight(admin, typed) == page, typed
    topup = started(alice, method())
    DRIVERS["demo"].pays(topup)
    looked(topup)
    topup.refresh_from_db()
    for typed in (f"T-{topup.pk}", f"t-{topup.pk}", topup.reference, topup.remote_id, topup.payments.get().payment_id):
        assert straight(admin, typed) == change("billing_topup", topup.pk), typed
    receipt = topup.documents.get()
    for typed in (receipt.number, f"{receipt.series}-{receipt.ordinal}", receipt.number.lower()):
        assert straight(admin, typed) == change("billing_document", receipt.pk), typed
    assert straight(admin, "ALICE@example.com") == change("accounts_user", alice.pk)
    open_ticket(customer=alice, subject="Where?", message="?", now=database_now())
    ticket = Ticket.objects.get()
    assert straight(admin, f"#{ticket.pk}") == change("support_ticket", ticket.pk)


def test_a_number_of_several_things_shows_them_all_and_the_exact_ones_first(
    admin: Client, alice: User, service: Service
) -> None:
    order = cast.order(alice, service, id=service.pk)
    hits = found(admin, str(service.pk))
    assert hits[""] == [f"#{order.pk} Followers", f"{service.pk} Followers"]
    assert straight(admin, f"#{order.pk}") == change("orders_order", order.pk)


@pytest.mark.parametrize(
    "typed",
    [
        "https://instagram.com/p/C1a2B3c4D5e",
        "instagram.com/p/C1a2B3c4D5e/",
        "HTTP://WWW.Instagram.com/p/C1a2B3c4D5e?x=1",
    ],
)
def test_an_order_is_found_by_its_link_in_any_spelling(admin: Client, order: Order, typed: str) -> None:
    assert found(admin, typed) == {"Orders": ["#4711 Followers"]}


def test_people_are_found_by_a_part_of_their_address(admin: Client, alice: User) -> None:
    bob = cast.customer("bob.miller@harbor.example", "0")
    for typed in ("bob", "BOB.M", "@harbor", "harbor.ex", "miller"):
        assert found(admin, typed)["Customers"] == [str(bob)], typed
    assert found(admin, "example")["Customers"] == ["alice@example.com", "owner@example.com", str(bob)]
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert f"Customer {bob.pk}, frozen" in admin.get(reverse("admin:find"), {"q": "bob"}).content.decode()
    many = [User(email=f"shop{n}@many.example") for n in range(LOOKED_THROUGH)]
    User.objects.bulk_create(many)
    assert [str(person) for person in people_with("bob.m", most=3)] == [str(bob)]
    assert people_with("miller", most=3) == []
    answer = admin.get(reverse("admin:find"), {"q": "shop"})
    [group] = answer.context["found"].groups
    assert len(group.hits) == 6
    assert group.more == f"{reverse('admin:accounts_user_changelist')}?q=shop"


def test_services_and_providers_are_found_by_words(admin: Client, service: Service) -> None:
    assert found(admin, "follo") == {"Services": [f"{service.pk} Followers"]}
    assert found(admin, "gulf") == {"Providers": ["Gulf"]}


def test_each_sees_what_their_rights_show(clerk: User, alice: User, order: Order) -> None:
    nobody = sign_in_staff(clerk)
    for typed in ("4711", "88000111", "alice@example.com", "follow", "instagram.com/p/C1a2B3c4D5e"):
        assert found(nobody, typed) == {}, typed
    clerk.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client = sign_in_staff(User.objects.get(pk=clerk.pk))
    assert found(client, "4711") == {}
    assert straight(client, "alice@example.com") == change("accounts_user", alice.pk)


def test_nothing_found_says_what_to_type_and_keeps_it(admin: Client) -> None:
    for typed in ("zzz<i>", "9" * 30, "٣" * 25, "a" * 5000, "%", "_"):
        answer = admin.get(reverse("admin:find"), {"q": typed})
        assert "Nothing found" in answer.content.decode(), typed
    assert "zzz&lt;i&gt;" in admin.get(reverse("admin:find"), {"q": "zzz<i>"}).content.decode()
    assert "Nothing found" not in admin.get(reverse("admin:find")).content.decode()


def plan_of(sql: str, params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_parts_of_addresses_have_an_index() -> None:
    begins = User.objects.filter(email__istartswith="maya").values("pk")
    domain = User.objects.alias(domain=EMAIL_DOMAIN).filter(domain__startswith="HARBOR").values("pk")
    for index, query in (("user_email_begins", begins), ("user_email_domain", domain)):
        assert index in plan_of(*query.query.sql_with_params())


def test_a_search_asks_few_questions(
    admin: Client, order: Order, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for typed in ("alice", "instagram.com/p/C1a2B3c4D5e", "12345678"):
        admin.get(reverse("admin:find"), {"q": typed})
        with django_assert_max_num_queries(32):
            admin.get(reverse("admin:find"), {"q": typed})
