"""From the boxes in the list of orders to a job of staff and its results, by the pages of the admin."""

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.models import StaffAction
from orders.jobs import running
from orders.models import Job, Order
from orders.states import JobState
from tests.orders.answers import bought
from tests.orders.cast import Shop, balance
from tests.orders.staff import clerk_with, signed_in
from tests.sign_in import sign_in_customer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unhurried")]

LIST, BULK = "admin:orders_order_changelist", "admin:orders_order_bulk"


@pytest.fixture
def owner() -> Client:
    return signed_in(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def chosen(client: Client, name: str, orders: list[Order], *, query: str = "", across: bool = False) -> Any:
    """Check the boxes of these orders in the list, or all that it found, and choose what to do; the page that opens."""
    given = {"action": name, "_selected_action": [o.pk for o in orders], "select_across": str(int(across)), "index": 0}
    return client.post(f"{reverse(LIST)}{query}", given, follow=True)


def words(page: Any) -> str:
    return " ".join(page.content.decode().split())


def filled(page: Any, **given: str) -> dict[str, str]:
    """What the form of the page sends."""
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.content.decode())
    return {**{name: value for name, value in hidden if name != "csrfmiddlewaretoken"}, **given}


def many(shop: Shop, who: User, count: int) -> list[Order]:
    return [shop.buys(who, quantity=10, link=f"https://example.com/p/{n}") for n in range(count)]


def test_a_cancellation_of_25_wants_its_number_and_runs_without_the_browser(
    owner: Client, shop: Shop, alice: User
) -> None:
    before = balance(alice)
    orders, sent = many(shop, alice, 25), 25
    page = chosen(owner, "staff_cancel", orders)
    assert "Cancel 25 orders" in words(page)
    assert page.context["totals"].refund == before - balance(alice)
    for typed in ("", "24", "x"):
        again = owner.post(reverse(BULK), filled(page, reason="provider is gone", count=typed))
        assert again.status_code == 200
        assert 'value="provider is gone"' in words(again)
    assert not Job.objects.exists()
    form = filled(page, reason="provider is gone", count=str(sent))
    answers = [owner.post(reverse(BULK), form) for _click in range(2)]
    job = Job.objects.get()
    assert {answer["Location"] for answer in answers} == {reverse("admin:orders_job_change", args=[job.pk])}
    live = owner.get(answers[0]["Location"])
    assert "0 of 25 done" in words(live)
    assert "provider is gone" in words(live)
    seen = f"{answers[0]['Location']}?seen={live.context['version']}"
    assert owner.get(seen).status_code == 204
    running.run_due()
    after = words(owner.get(seen))
    assert "<html" not in after
    assert "25 of 25 done" in after
    assert balance(alice) == before
    table = list(csv.reader(io.StringIO(owner.get(
        reverse("admin:orders_job_results", args=[job.pk])
    ).getvalue().decode())))  # fmt: skip
    assert len(table) == 26
    assert table[1][2:] == ["Done", "Canceled and refunded."]
    assert StaffAction.objects.filter(action="order.cancel").count() == 25


def test_all_that_a_filter_found_are_chosen(owner: Client, shop: Shop, alice: User) -> None:
    many(shop, alice, 3)
    placed = bought(shop, alice, link="https://example.com/p/9")
    many(shop, alice, 1)
    page = chosen(owner, "staff_note", [placed], query="?forward_state__exact=placed", across=True)
    assert len(page.context["possible"]) == 4
    assert Order.objects.count() == 5
    page = chosen(owner, "staff_refund", [placed], query="?q=example.com%2Fp%2F9", across=True)
    assert page.context["orders"].startswith(f"{placed.pk}:")


@pytest.mark.parametrize("query", ["p=x", "provider__id__exact=x", "created_at__gte=x", "customer=x", "q=%2500", "o=9"])
def test_a_filter_that_cannot_be_read_breaks_nothing(owner: Client, shop: Shop, alice: User, query: str) -> None:
    many(shop, alice, 1)
    answer = owner.get(reverse(BULK), {"do": "staff_note", "all": "1", "list": query})
    assert answer.status_code in (200, 302)
    refused = owner.get(reverse(BULK), {"do": "staff_note", "all": "1", "list": "customer__password__startswith=a"})
    assert refused.status_code == 400


def test_a_part_is_shown_before_it_is_refunded(owner: Client, shop: Shop, alice: User) -> None:
    order, queued = bought(shop, alice), shop.buys(alice, link="https://example.com/p/2")
    page = chosen(owner, "staff_part", [order, queued])
    assert "Show what it does" in words(page)
    assert "Cancel it, or decide about it, instead." in words(page)
    assert page.context["totals"] is None
    for bad in ("", "0", "101", "x", "NaN"):
        assert owner.post(reverse(BULK), filled(page, reason="late", percent=bad)).status_code == 200
    shown = owner.post(reverse(BULK), filled(page, reason="", percent="30"))
    assert "This field is required." not in words(shown)
    assert shown.context["totals"].refund == order.charge * 3 / 10
    assert not Job.objects.exists()
    other = owner.post(reverse(BULK), filled(shown, reason="late", percent="40"))
    assert (other.status_code, Job.objects.count()) == (200, 0)
    assert owner.post(reverse(BULK), filled(other, reason="late", percent="40.0")).status_code == 302
    running.run_due()
    order.refresh_from_db()
    assert order.refunded == order.charge * Decimal("0.4")


def test_nothing_possible_offers_no_button(owner: Client, shop: Shop, alice: User) -> None:
    page = chosen(owner, "staff_refill", many(shop, alice, 2))
    assert "Nothing can be done" in words(page)
    assert "Only a completed order can be refilled." in words(page)
    assert 'name="nonce"' not in page.content.decode()


def test_a_job_is_stopped_and_found_again(owner: Client, shop: Shop, alice: User) -> None:
    page = chosen(owner, "staff_note", many(shop, alice, 2))
    answer = owner.post(reverse(BULK), filled(page, reason="seen"))
    job = Job.objects.get()
    stopped = owner.post(reverse("admin:orders_job_stop", args=[job.pk]), follow=True)
    assert "what was done before stays done" in words(stopped)
    assert "2 orders were not asked about" in words(stopped)
    job.refresh_from_db()
    assert job.state == JobState.STOPPED
    assert "It had ended already." in words(owner.post(reverse("admin:orders_job_stop", args=[job.pk]), follow=True))
    assert owner.get(reverse("admin:orders_job_stop", args=[job.pk])).status_code == 405
    assert "Note on 2 orders" in words(owner.get(reverse("admin:orders_job_changelist")))
    assert owner.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"do": "x"}, 302), ({"do": "refill"}, 302), ({"do": "staff_note"}, 400),
        ({"do": "staff_note", "nonce": "n" * 99}, 400), ({"do": "staff_note", "nonce": "n", "reason": "x"}, 200),
        ({"do": "staff_note", "nonce": "n", "orders": "1:Z,-1:,٣:a,9"}, 200),
    ],
)  # fmt: skip
def test_a_form_of_nobody_starts_nothing(owner: Client, given: dict[str, str], status: int) -> None:
    assert owner.post(reverse(BULK), given).status_code == status
    assert not Job.objects.exists()


def test_who_may_only_look_has_no_boxes_and_starts_nothing(owner: Client, shop: Shop, alice: User) -> None:
    orders = many(shop, alice, 1)
    owner.post(reverse(BULK), filled(chosen(owner, "staff_note", orders), reason="seen"))
    job = Job.objects.get()
    clerk = clerk_with("view_order", "view_job")
    assert 'name="action"' not in clerk.get(reverse(LIST)).content.decode()
    given = {"do": "staff_cancel", "orders": f"{orders[0].pk}:", "nonce": "n", "reason": "x"}
    assert clerk.post(reverse(BULK), given).status_code == 403
    for name in ("change", "stop", "results"):
        assert clerk.post(reverse(f"admin:orders_job_{name}", args=[job.pk])).status_code == 403
    assert Job.objects.count() == 1


def test_customers_see_nothing_of_jobs_of_staff(owner: Client, shop: Shop, alice: User) -> None:
    orders = many(shop, alice, 1)
    owner.post(reverse(BULK), filled(chosen(owner, "staff_note", orders), reason="a word among us"))
    running.run_due()
    job, client = Job.objects.get(), sign_in_customer(alice)
    for path in (f"/jobs/{job.pk}/", f"/jobs/{job.pk}/results.csv", f"/admin/orders/job/{job.pk}/change/"):
        assert client.get(path).status_code in (302, 404), path
    assert client.post(f"/jobs/{job.pk}/stop").status_code == 404
    for path in (f"/orders/{orders[0].pk}/", "/orders/"):
        assert "a word among us" not in client.get(path).content.decode()


def test_a_job_of_a_kind_that_is_gone_has_no_page_in_the_admin(owner: Client, alice: User) -> None:
    gone = Job.objects.create(customer=alice, kind="gone", nonce="n", total=1, created_at=alice.date_joined)
    assert owner.get(reverse("admin:orders_job_change", args=[gone.pk])).status_code == 404
    assert owner.get("/admin/orders/job/x/change/").status_code == 404
