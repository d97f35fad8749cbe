from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider, Service
from core.clock import database_now
from notices.alerts import open_alert
from notices.heartbeats import beat
from orders.models import Order
from orders.pages.attention import attention
from tests.billing import cast
from tests.billing.cast import money
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


def front(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def test_the_front_page_says_when_nothing_is_open(admin: Client) -> None:
    assert "Nothing. The shop runs by itself." in front(admin)
    assert "none has run yet" in front(admin)


def test_open_work_is_counted_with_money_and_age(alice: User, service: Service, doubted: Order) -> None:
    cast.doubted(cast.order(alice, service, "1.36"))
    cast.order(alice, service)
    now = database_now() + timedelta(hours=3)
    seen = attention(now=now)
    assert (seen.doubts, seen.doubt_money, seen.queued) == (2, money("4"), 1)
    assert seen.oldest_doubt is not None
    assert seen.oldest_queued is not None
    assert timedelta(hours=3) <= seen.oldest_queued <= seen.oldest_doubt < timedelta(hours=4)


def test_the_front_page_links_to_open_work(admin: Client, doubted: Order, partial: Order) -> None:
    now = database_now()
    Order.objects.filter(pk=partial.pk).update(needs_review="odd remains")
    Provider.objects.update(parked_at=now, parked_reason="not_enough_funds")
    for n in range(7):
        open_alert(cause=f"c{n}", title=f"<i>Alert {n}</i>", now=now)
    beat("sweep", now=now - timedelta(minutes=9))
    text = front(admin)
    for shown in (
        "1 order in doubt", "$2.64", "/admin/orders/doubtfulorder/", "1 order needs review",
        "Gulf is parked: not_enough_funds",
        "&lt;i&gt;Alert 6", "All 7 open alerts", "sweep", " min ago",
    ):  # fmt: skip
        assert shown in text
    assert "<i>Alert" not in text


def test_staff_without_order_permissions_see_no_box(clerk: User, doubted: Order) -> None:
    assert "in doubt" not in front(sign_in_staff(clerk))
    clerk.user_permissions.add(Permission.objects.get(codename="view_order"))
    assert "1 order in doubt" in front(sign_in_staff(User.objects.get(pk=clerk.pk)))
