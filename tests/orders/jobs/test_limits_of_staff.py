"""A job of staff whose role may move only so much: what is over the limit is left alone, and the rest goes on."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.urls import reverse

from accounts.models import User
from accounts.role_models import StaffLimit
from accounts.staff_limits import used_today
from billing import audit as books
from core.models import StaffAction
from orders import audit
from orders.jobs import running
from orders.models import Order
from tests.orders.answers import bought
from tests.orders.cast import Shop, balance, customer
from tests.orders.jobs.test_by_staff import done, started
from tests.orders.staff import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]


@pytest.fixture
def clerk() -> User:
    group = Group.objects.create(name="Refunds")
    rights = ("change_doubtfulorder", "view_order")
    group.permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="orders"))
    person = User.objects.create_user("clerk@example.com", "correct horse battery", is_staff=True)
    person.groups.add(group)
    return person


def limited(clerk: User, **limits: str) -> None:
    StaffLimit.objects.create(group=clerk.groups.get(), **{name: Decimal(most) for name, most in limits.items()})


def five(shop: Shop, who: User) -> list[Order]:
    """Five orders of 1.17 each that the provider has."""
    return [bought(shop, who, link=f"https://example.com/p/{n}") for n in range(5)]


def test_a_limit_of_the_day_that_is_reached_half_way(shop: Shop, alice: User, clerk: User) -> None:
    orders = five(shop, alice)
    before, charge = balance(alice), orders[0].charge
    limited(clerk, per_day=f"{charge * 5 / 2}")
    said = done(clerk, "staff_refund", orders)
    assert balance(alice) == before + 2 * charge
    assert [message.endswith(" refunded.") for _pk, message in sorted(said.items())] == [True] * 2 + [False] * 3
    assert said[orders[4].pk].startswith("The limit of Refunds is $2.925 a day, and $2.34 of it is used.")
    assert used_today(clerk.pk) == 2 * charge
    refused = StaffAction.objects.filter(action="limit.refused")
    assert {row.object_id for row in refused} == {str(order.pk) for order in orders[2:]}
    # What is left of the limit is enough for a part.
    assert set(done(clerk, "staff_part", orders[2:3], percent="40", nonce="two").values()) == {"$0.468 refunded."}


def test_two_jobs_at_once_share_the_limit(shop: Shop, alice: User, clerk: User, monkeypatch: Any) -> None:
    """Of two customers, so that no wallet keeps one job waiting for the other."""
    carol = customer("carol@example.com")
    orders = [*five(shop, alice)[:3], *five(shop, carol)[:2]]
    limited(clerk, per_day=f"{orders[0].charge * 3}")
    jobs = [started(clerk, "staff_refund", orders[:3]), started(clerk, "staff_refund", orders[3:], nonce="two")]
    monkeypatch.setattr(running, "_TURN", 1)

    def run() -> None:
        try:
            running.run_due()
        finally:
            connection.close()

    runners = [threading.Thread(target=run) for _n in range(2)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    for job in jobs:
        job.refresh_from_db()
    assert sum(job.done for job in jobs) == 3
    assert sum(job.refused for job in jobs) == 2
    assert [finding for finding in books.check(audit.EQUATIONS) if not finding.holds] == []


def test_the_page_says_before_what_the_limits_will_refuse(shop: Shop, alice: User, clerk: User) -> None:
    orders = five(shop, alice)
    limited(clerk, per_day="2", per_action="1")
    client, chosen = signed_in(clerk), [order.pk for order in orders]
    url = reverse("admin:orders_order_bulk")
    page = client.get(url, {"do": "staff_refund", "order": chosen})
    assert page.context["warnings"] == [
        "5 orders are above your limit of $1.00 for one action. They will be left alone.",
        "You may move $2.00 more today, and this is $5.85. Orders beyond it will be left alone.",
    ]
    assert client.get(url, {"do": "staff_cancel", "order": chosen}).context["warnings"] == []
    assert client.get(url, {"do": "staff_part", "order": chosen}).context["warnings"] == []
    form = {"do": "staff_part", "nonce": "n", "orders": page.context["orders"], "percent": "50", "reason": "late"}
    assert client.post(url, form).context["warnings"] == [
        "You may move $2.00 more today, and this is $2.925. Orders beyond it will be left alone."
    ]
