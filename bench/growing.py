"""The actions that :mod:`bench.growth` measures."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bench.finished import Dozen

if TYPE_CHECKING:
    from django.test import Client

    from billing.equations import Finding
    from orders.models import AuditState

_NUMBERS = itertools.count(1)
#: A busy hour: so many orders that something happened to, for the audit of what has changed.
_CHANGED = 20_000
#: Lines that are read of a file that is sent while it is made.
_LINES = 500


@dataclass(frozen=True)
class Action:
    """``do`` is measured, ``before`` is not. ``goal`` is in milliseconds, None where nothing is promised."""

    name: str
    goal: int | None
    do: Callable[[], Any]
    before: Callable[[], Any] | None = None


def actions(dozen: Dozen) -> Iterator[Action]:
    """Every action, on the orders that are there now."""
    yield from _sweeps(dozen)
    yield from _audits()
    yield from _of_a_customer(dozen)
    yield from _of_the_api(dozen)
    yield from _of_the_owner(dozen)


def _sweeps(dozen: Dozen) -> Iterator[Action]:
    from catalog.models import Provider
    from core.clock import database_now
    from orders.books import reconciliation
    from orders.models import ProbeSchedule
    from storefront.rounds import work_round

    provider = Provider.objects.get(pk=dozen.stocked.provider.pk)
    schedule = ProbeSchedule.objects.filter(provider=provider)
    yield Action("a sweep with nothing to do", 300, work_round)
    yield Action(
        "a sweep with the daily look at a provider's ids", 300, work_round,
        lambda: schedule.update(next_at=None, next_scan_at=database_now() - timedelta(seconds=1)),
    )  # fmt: skip
    yield Action("comparing a provider's account", None, lambda: reconciliation.reconcile(provider, now=database_now()))


def _audits() -> Iterator[Action]:
    from billing.equations import check
    from orders import auditing

    def demand(findings: "list[Finding]") -> None:
        broken = [f"{finding.name}: {finding.rows[:3]}" for finding in findings if not finding.holds]
        assert not broken, broken

    def audit_changes(state: "AuditState") -> None:
        demand(auditing.audit_changes(state))

    yield Action("audit, everything", 6_000, lambda: demand(check(auditing.EQUATIONS)))
    for changed in (0, _CHANGED):
        name = f"audit, what has changed: {changed:,} orders"
        yield Action(name, 1_000, partial(audit_changes, _certified(changed)))


def _certified(changed: int) -> "AuditState":
    """Return the audit's state as it was before this many of the newest orders, or half of all orders if that is less.

    Their rows were written one order after the other, so the ids of all of them tell old from new.
    """
    from billing.models import Transfer
    from orders import auditing
    from orders.models import AuditState, ForwardAttempt, Order, OrderEvent

    state, newest = AuditState.objects.get(), auditing._newest()
    count = min(changed, Order.objects.count() // 2)
    if count:
        first = Order.objects.order_by("-pk")[count - 1].pk
        begin = {
            "order": Order.objects.filter(pk=first), "transfer": Transfer.objects.filter(reference=f"order:{first}"),
            "event": OrderEvent.objects.filter(order=first), "attempt": ForwardAttempt.objects.filter(order=first),
        }  # fmt: skip
        newest = {name: rows.order_by("pk").values_list("pk", flat=True)[0] - 1 for name, rows in begin.items()}
    auditing._certify(state, newest, newest)
    return state


def _of_a_customer(dozen: Dozen) -> Iterator[Action]:
    from catalog.shop.platforms import OTHER
    from orders.models import Order
    from orders.templatetags.week_in_orders import week_in_orders

    customer = dozen.large
    browser = _browser(customer)
    newest = Order.objects.filter(customer=customer).order_by("-pk")[0]
    platform = newest.service.platform or OTHER
    yield _page(browser, "wallet", "/wallet/", 30)
    yield _page(browser, "wallet, page 40", "/wallet/?page=40", 30)
    yield _page(browser, "my orders, first page", "/orders/", 50)
    yield _page(browser, "my orders, page 40", "/orders/?page=40", 50)
    yield _page(browser, "my orders, last page", "/orders/?after=0", 50)
    yield _page(browser, "my orders, completed", "/orders/?state=completed", 50)
    yield _page(browser, "my orders, in progress", "/orders/?state=progress", 50)
    yield _page(browser, "my orders, partial", "/orders/?state=partial", 50)
    yield _page(browser, "my orders, canceled, oldest", "/orders/?state=canceled&after=0", 50)
    yield _page(browser, "my orders, searched by number", f"/orders/?q={newest.pk}", 50)
    yield _page(browser, "my orders, searched by link", f"/orders/?q={newest.link}", 50)
    yield _page(browser, "my orders, searched by part of a link", "/orders/?q=ample.com/p/", 50)
    yield _page(browser, "my orders, searched by service", "/orders/?q=followers", 50)
    yield _page(browser, "my orders, searched in vain", "/orders/?q=nothing-like-it", 50)
    yield _page(browser, "my orders, of a service", f"/orders/?service={newest.service_id}", 50)
    yield _page(browser, "my orders, of a platform", f"/orders/?platform={platform}", 50)
    yield _page(browser, "my orders, of a platform without any", "/orders/?platform=kick", 50)
    yield _page(browser, "my orders, of the last 30 days, oldest", "/orders/?period=30-days&after=0", 50)
    yield _page(browser, "my orders, first lines of the CSV", "/orders/csv", None)
    yield _page(browser, "my orders, preview of refills in bulk", "/orders/bulk/?do=refill&all=1", None)
    yield _page(browser, "my orders, preview of cancellations in bulk", "/orders/bulk/?do=cancel&all=1", None)
    yield _page(browser, "refills of a customer", "/orders/refills/", 50)
    yield _page(browser, "refills of a customer, done, oldest", "/orders/refills/?state=done&after=0", 50)
    yield _page(browser, "drip-feeds of a customer", "/orders/drip-feeds/", 50)
    yield _page(browser, "drip-feeds of a customer, oldest", "/orders/drip-feeds/?after=0", 50)
    yield _page(browser, "subscriptions of a customer", "/orders/subscriptions/", 50)
    yield _page(browser, "live rows of my orders", f"/orders/rows?open={newest.pk}", 50)
    yield _page(browser, "order page", f"/orders/{newest.pk}/", None)
    yield _page(browser, "new order", "/order/", None)
    yield _page(browser, "price list", "/", None)
    yield Action("the week in orders", 5, week_in_orders)


def _of_the_api(dozen: Dozen) -> Iterator[Action]:
    from django.test import Client

    from accounts.api_keys import create_key
    from core.clock import database_now
    from orders.models import Order

    customer = dozen.customers[1]
    key = create_key(customer=customer, name="growth", now=database_now()).plain
    numbers = list(Order.objects.filter(customer=customer).order_by("pk").values_list("pk", flat=True)[:100])
    client = Client(headers={"Accept-Encoding": "gzip"})
    added: list[int] = []

    def call(**fields: Any) -> Any:
        answer = client.post("/api/v2", {"key": key, **fields})
        assert answer.status_code == 200, answer.content
        return answer

    def add() -> None:
        link = f"https://example.com/new/{next(_NUMBERS)}"
        added.append(call(action="add", service=dozen.stocked.service.pk, link=link, quantity=1000).json()["order"])

    yield Action("add", None, add)
    yield Action("status of 100 orders", None, lambda: call(action="status", orders=",".join(map(str, numbers))))
    yield Action("services", None, lambda: call(action="services"))
    yield Action("balance", None, lambda: call(action="balance"))


def _of_the_owner(dozen: Dozen) -> Iterator[Action]:
    from django.contrib import admin
    from django.urls import reverse
    from django.utils.timezone import localtime

    from accounts.models import User
    from orders.models import Order
    from tests.sign_in import sign_in_staff

    owner, _is_new = User.objects.get_or_create(email="owner@growth.example", is_staff=True, is_superuser=True)
    browser = sign_in_staff(owner)
    newest = Order.objects.exclude(upstream_id=None).order_by("-pk")[0]
    lists = {
        model._meta.label_lower: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }
    yield from _of_the_cockpit(browser, dozen)
    for form in ("core.shopsettings", "billing.moneysettings"):  # one row each: their address leads to a form
        del lists[form]
    for label, address in sorted(lists.items()):
        yield _page(browser, f"admin, {label}", address, 150)
    orders, transfers = lists["orders.order"], lists["billing.transfer"]
    email, today = dozen.customers[2].email, quote(localtime().replace(hour=0, minute=0).isoformat())
    pages = Order.objects.count() // 50
    yield _page(browser, "admin, orders, page 100", f"{orders}?p={min(100, pages)}", 150)
    yield _page(browser, "admin, orders, completed", f"{orders}?progress__exact=completed", 150)
    yield _page(browser, "admin, orders that wait for the owner", f"{orders}?needs=look", 150)
    yield _page(browser, "admin, orders that are open", f"{orders}?state=open", 150)
    yield _page(browser, "admin, orders that were canceled", f"{orders}?state=canceled&created_at__gte={today}", 150)
    yield _page(browser, "admin, orders of today", f"{orders}?created_at__gte={today}", 150)
    yield _page(browser, "admin, orders by link", f"{orders}?q={newest.link}", 150)
    yield _page(browser, "admin, orders by part of a link", f"{orders}?q=ample.com/p/", 150)
    yield _page(browser, "admin, orders by number", f"{orders}?q={newest.pk}", 150)
    yield _page(browser, "admin, orders by the provider's number", f"{orders}?q={newest.upstream_id}", 150)
    yield _page(browser, "admin, orders by e-mail address", f"{orders}?q={email}", 150)
    yield _page(browser, "admin, orders in vain", f"{orders}?q=nothing-like-it", 150)
    yield _page(browser, "admin, an order", reverse("admin:orders_order_change", args=[newest.pk]), 150)
    yield _page(browser, "admin, transfers, holds only", f"{transfers}?code__exact=hold", 150)
    yield _page(browser, "admin, transfers by order", f"{transfers}?q={newest.reference}", 150)
    yield _page(browser, "admin, transfers by e-mail address", f"{transfers}?q={email}", 150)
    yield _page(browser, "admin, holds that are open", f"{lists['billing.hold']}?open=1", 150)
    yield _page(browser, "admin, holds by e-mail address", f"{lists['billing.hold']}?q={email}", 150)
    provider = dozen.stocked.provider.pk
    yield _page(browser, "admin, a provider", reverse("admin:catalog_provider_change", args=[provider]), 150)
    yield _page(
        browser, "admin, a provider's account", reverse("admin:orders_provideraccount_change", args=[provider]), 150
    )
    wallet = dozen.large.wallet.pk
    yield _page(browser, "admin, a wallet", reverse("admin:billing_wallet_change", args=[wallet]), 150)


def _of_the_cockpit(browser: "Client", dozen: Dozen) -> Iterator[Action]:
    from django.urls import reverse

    from storefront.cockpit.reports.profit import BY
    from storefront.cockpit.reports.views import TABS

    yield _page(browser, "admin, today", reverse("admin:index"), 100)
    customer = dozen.large.pk
    yield _page(browser, "admin, a customer", reverse("admin:accounts_user_change", args=[customer]), 100)
    statement = reverse("admin:accounts_user_statement", args=[customer])
    yield _page(browser, "admin, a customer's statement", statement, 100)
    for kind in [kind for kind in TABS if kind != "profit"]:
        address = f"{reverse('admin:report', args=[kind])}?period=30"
        yield _page(browser, f"admin, report of 30 days: {kind}", address, 300)
    for by in BY:
        address = f"{reverse('admin:report', args=['profit'])}?period=30&by={by}"
        yield _page(browser, f"admin, report of 30 days: profit by {by}", address, 300)


def _browser(person: Any) -> "Client":
    from django.test import Client

    browser = Client()
    browser.force_login(person)
    return browser


def _page(browser: "Client", name: str, address: str, goal: int | None) -> Action:
    def get() -> None:
        answer = browser.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        if answer.streaming:
            list(itertools.islice(answer.streaming_content, _LINES))
            answer.close()

    return Action(name, goal, get)
