"""The first page of the admin: figures for those who may see money, and a to-do list whose lines lead to their rows."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import roles
from accounts.models import StaffRole, User
from catalog.models import Provider, ProviderService, Service, ServiceFigures
from core.clock import database_now
from notices.alerts import open_alert
from notices.heartbeats import beat
from orders.facts.days import day_of
from orders.models import BreakKind, MoneyDay, Order, ReconciliationBreak
from orders.states import Forward, Progress
from storefront.cockpit.due import due_of
from support.models import Ticket
from tests.billing import cast
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db

LINE = re.compile(r'<a href="([^"]+)">\s*<svg.*?</svg>\s*<b>([\d,]+)</b>\s*<span>([^<]+)', re.DOTALL)
COUNTED = re.compile(r"([\d,]+) (?:result|order|ticket|alert|provider|heartbeat|reconciliation|top-up)")


def front(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def lines_of(text: str) -> dict[str, tuple[int, str]]:
    """What each line of the to-do list says: noun -> its count and its link."""
    return {what.strip(): (int(n.replace(",", "")), unescape(url)) for url, n, what in LINE.findall(text)}


def test_the_front_page_says_when_nothing_is_open(admin: Client) -> None:
    text = front(admin)
    assert "Nothing to decide. The shop runs by itself." in text
    assert "No background job has run yet." in text
    assert lines_of(text) == {}


def trouble(alice: User, service: Service, partial: Order) -> None:
    """Something for each line of the list."""
    now = database_now()
    ago = now - timedelta(hours=30)
    cast.order(alice, service, next_at=ago)
    refunded = cast.order(alice, service)
    cast.doubted(refunded)
    cast.move(refunded, Forward.REFUNDED, finished_at=now)
    failed, slow, still = (cast.order(alice, service) for _n in range(3))
    cast.placed(failed, "1", progress=Progress.FAILED)
    cast.placed(slow, "2", progress=Progress.IN_PROGRESS, state_since=now)
    cast.placed(still, "3", progress=Progress.IN_PROGRESS, state_since=ago)
    Order.objects.filter(pk=slow.pk).update(placed_at=now - timedelta(hours=5))
    Order.objects.filter(pk=still.pk).update(placed_at=ago, runs=None)
    ServiceFigures.objects.create(service=service, starts_in=60, takes=600)
    Order.objects.filter(pk=partial.pk).update(needs_review="odd remains")
    for kind, order in ((BreakKind.BALANCE, None), (BreakKind.MARGIN, slow)):
        ReconciliationBreak.objects.create(
            provider=service.source.provider, kind=kind, order=order, amount=Decimal("-0.31"), currency="USD",
            first_seen=ago, last_seen=now,
        )  # fmt: skip
    Provider.objects.update(parked_at=now, parked_reason="not_enough_funds")
    ProviderService.objects.update(quarantine=["type"])
    Ticket.objects.create(customer=alice, subject="Where is it?", message="?", waits_since=database_now())
    for n in range(7):
        open_alert(cause=f"c{n}", title=f"<i>Alert {n}</i>", now=now)
    beat("sweep", now=now - timedelta(minutes=9))
    beat("queue:follow", now=now)


def test_each_line_leads_to_as_many_rows(
    admin: Client, alice: User, service: Service, doubted: Order, partial: Order
) -> None:
    trouble(alice, service, partial)
    text = front(admin)
    lines = lines_of(text)
    assert {what: count for what, (count, _url) in lines.items()} == {
        "part of the shop not seen": 1, "order in doubt": 1, "refunded order that may have been placed": 1,
        "order to review": 1, "order failed at its provider": 1,
        "order waiting too long": 1, "order slower than usual": 1, "order without progress for a day": 1,
        "difference of accounts": 1, "order below cost": 1, "provider paused": 1, "ticket to answer": 1,
        "service changed and set aside": 1, "other alerts": 7,
    }  # fmt: skip
    for what, (count, url) in lines.items():
        page = admin.get(url, follow=True)
        assert page.status_code == 200, what
        if "cl" in page.context:
            assert page.context["cl"].result_count == count, what
        assert page.context.get("waiting", count) == count, what
    for shown in ("$2.64 reserved, the oldest for 1 min", "Nothing is sent to Gulf", "−$0.31 together"):
        assert shown in text


@pytest.mark.parametrize(
    ("role", "areas"),
    [
        ("manager", {"heartbeats", "orders", "providers", "tickets", "services", "alerts"}),
        ("support", {"orders", "tickets"}),
        ("accountant", {"providers"}),
        ("catalog", {"services"}),
    ],
)
def test_a_line_is_for_those_who_can_do_it_and_the_menu_counts_the_same(
    alice: User, service: Service, doubted: Order, partial: Order, role: str, areas: set[str]
) -> None:
    trouble(alice, service, partial)
    roles.sync_roles()
    person = User.objects.create_user(f"{role}@example.com", is_staff=True)
    person.groups.add(StaffRole.objects.get(code=role).group)
    answer = sign_in_staff(person).get(reverse("admin:index"))
    todo = answer.context["todo"]
    assert {line.area for line in todo.lines} == areas
    assert ("provider paused" in {line.what for line in todo.lines}) is False, "only owners let it send again"
    cache.clear()
    assert due_of(answer.wsgi_request) == todo.due


def test_figures_are_for_those_who_may_see_money(clerk: User, admin: Client, doubted: Order, partial: Order) -> None:
    cast.settled(cast.order(doubted.customer, doubted.service, "10"))
    assert "Customers’ balances" in front(admin)
    # 4.5 − 0.7065 and 10 were earned.
    assert "$13.79" in front(admin)
    assert "in doubt" not in front(sign_in_staff(clerk))
    rights = ("view_order", "view_doubtfulorder", "change_doubtfulorder")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=rights))
    text = front(sign_in_staff(User.objects.get(pk=clerk.pk)))
    assert "order in doubt" in text
    assert "Customers’ balances" not in text
    assert "$13.79" not in text


def test_the_page_asks_the_same_number_of_questions_whatever_there_is(
    admin: Client,
    alice: User,
    service: Service,
    doubted: Order,
    partial: Order,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    front(admin)
    trouble(alice, service, partial)
    for _n in range(10):
        cast.doubted(cast.order(alice, service))
    with django_assert_max_num_queries(50):
        front(admin)


def test_a_provider_that_is_switched_off_has_a_card_while_it_costs_or_has_open_orders(
    admin: Client, service: Service, alice: User
) -> None:
    """Or the cost of the shop would be more than that of all cards."""
    provider = service.source.provider
    assert "No costs in the 7 days before today" not in front(admin), "its balance is not known"
    Provider.objects.filter(pk=provider.pk).update(is_active=False, balance=Decimal(70))
    assert "Switched off" not in front(admin)
    day = MoneyDay.objects.create(
        day=day_of(database_now()) - timedelta(days=1),
        service=service,
        provider=provider,
        orders=1,
        ended=1,
        earned=90,
        refunded=0,
        late_refunds=0,
        cost=70,
    )
    card = " ".join(front(admin).split('<ul class="provs">')[1].split("</ul>")[0].split())
    assert "Switched off" in card
    assert '7 days left at <span class="money">$10.00</span> a day' in card
    day.delete()
    cast.placed(cast.order(alice, service), "1", progress=Progress.IN_PROGRESS)
    card = " ".join(front(admin).split('<ul class="provs">')[1].split("</ul>")[0].split())
    assert "0 of 1 running orders" in card
    assert "No costs in the 7 days before today" in card


def test_the_menu_counts_the_same_on_every_page(admin: Client, clerk: User, alice: User) -> None:
    cache.clear()  # an earlier test may have counted
    Ticket.objects.create(customer=alice, subject="Where is it?", message="?", waits_since=database_now())
    counts = re.compile(r'<span class="count is-due">\s*(\d+)')
    pages = [admin.get(reverse(f"admin:{name}")).content.decode() for name in ("index", "alerts", "tables")]
    # The menu stands twice: in the rail, and for phones.
    assert [counts.findall(page) for page in pages] == [["1", "1"]] * 3
    assert counts.findall(sign_in_staff(clerk).get(reverse("admin:tables")).content.decode()) == []


def test_pages_count_for_the_menu_once_in_a_while(
    admin: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    admin.get(reverse("admin:alerts"))
    with django_assert_max_num_queries(11):
        admin.get(reverse("admin:alerts"))
