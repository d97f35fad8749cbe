"""Reports: periods, groups, files, empty pages, and who may see them."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.facts.histogram import step_of
from catalog.models import Service, ServiceDay, ServiceFigures
from core.clock import database_now
from orders.facts import upkeep as facts
from orders.facts.days import day_of
from orders.models import Order
from orders.profit import upkeep
from orders.profit.reading import Books, Figures
from storefront.cockpit.reports import views
from storefront.cockpit.reports.period import period_of
from storefront.cockpit.reports.profit import BY
from storefront.cockpit.reports.views import TABS
from storefront.cockpit.today import figures_of
from tests.billing import cast
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.roles import unguarded
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 22)


def page(client: Client, kind: str = "profit", **asked: str) -> str:
    return client.get(reverse("admin:report", args=[kind]), asked).content.decode()


def csv_of(client: Client, kind: str = "profit", **asked: str) -> list[list[str]]:
    answer = client.get(reverse("admin:report", args=[kind]), {**asked, "file": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    return [line.split(",") for line in answer.getvalue().decode().split("\r\n") if line]


@pytest.fixture
def sold(alice: User, service: Service, settings: Any) -> Order:
    """Two orders that ended, one of which was refunded in part, and a top-up."""
    settings.DEMO = True  # which its gateway asks for
    order = cast.order(alice, service, "4.5")
    cast.placed(order, "1", provider_charge="1.9")
    cast.settled(order, "0.7065")
    cast.settled(cast.order(alice, service, "10"))
    topup = started(alice, method(fee_percent=3), "50")
    DRIVERS["demo"].pays(topup)
    looked(topup)
    return order


def test_periods() -> None:
    def of(**asked: str) -> tuple[str, str, str]:
        query = QueryDict(mutable=True)
        query.update(asked)
        period = period_of(query, TODAY)
        return str(period.first), str(period.last), period.error

    month = ("2026-11-01", "2026-11-22")
    assert of() == of(period="30") == ("2026-10-24", "2026-11-22", "")
    assert of(period="month") == of(period="zzz") == (*month, "")
    assert of(period="last") == ("2026-10-01", "2026-10-31", "")
    assert of(period="7") == ("2026-11-16", "2026-11-22", "")
    assert of(period="own", **{"from": "2026-01-31", "to": "2026-02-01"}) == ("2026-01-31", "2026-02-01", "")
    for first, last, said in (
        ("", "2026-11-01", "enter two days"), ("2026-11-31", "2026-12-01", "enter two days"),
        ("2026-11-02", "2026-11-01", "before the first"), ("2024-01-01", "2026-01-01", "at most 366"),
        ("0001-01-01", "0001-01-02", "enter two days"),
    ):  # fmt: skip
        *days, error = of(period="own", **{"from": first, "to": last})
        assert tuple(days) == month
        assert said in error


@pytest.mark.parametrize("by", BY)
def test_profit_is_the_same_by_each_group(admin: Client, sold: Order, by: str) -> None:
    text = page(admin, by=by)
    # 4.5 - 0.7065 + 10 earned; 2.25 × 1.9 / 2.25 and 5 cost; 1.5 paid as a fee by the customer. With all digits.
    for shown in ("$13.7935", "$6.90", "$8.3935"):
        assert shown in re.sub("<[^>]*>", "", text), shown
    rows = csv_of(admin, by=by)
    assert rows[-1][2:5] == ["13.79350", "6.90000", "8.39350"]


def test_every_report_opens_with_and_without_rows(admin: Client, sold: Order) -> None:
    upkeep.keep_up(now=database_now())
    facts.keep_up(now=database_now())
    for kind in TABS:
        assert "<h1>" in page(admin, kind)
        assert page(admin, kind, period="own", **{"from": "2020-01-01", "to": "2020-01-31"})
        assert csv_of(admin, kind)
    assert "$50.00" in page(admin, "topups")
    assert "Followers" in page(admin, "dead", period="last")
    assert "No dead services" in page(admin, "dead").split("<main")[1]
    assert "alice@example.com" in page(admin, "owed")


def test_reports_without_rows_say_what_is_missing(admin: Client) -> None:
    assert "No customer has money in a wallet" in page(admin, "owed")
    assert "Choose a longer one." in page(admin, "topups")


def test_late_starts_are_counted_and_the_file_has_every_service(
    admin: Client, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = cast.service(service.source.provider, external_id="2")
    ServiceFigures.objects.create(service=service, starts_in=60, takes=600)
    # An hour and twice the usual minute: the step that holds this limit is not late yet.
    limit = step_of(2 * 60 + 3600)
    none = dict.fromkeys(
        ("partial", "canceled", "ordered", "delivered", "refills", "refilled", "refills_declined"), 0
    ) | {"thousand_times": {}, "refill_times": {}}
    starts = {"0": 18, str(limit): 1, str(limit + 1): 1}
    for sold, n in ((service, 20), (other, 5)):
        ServiceDay.objects.create(
            service=sold, day=day_of(database_now()), orders=n, whole=n, start_times=starts, **none
        )
    rows = csv_of(admin, "ends")
    assert rows[0][6] == "Started late"
    assert [row[6] for row in rows[1:]] == ["5.00000", "", ""]
    monkeypatch.setattr(views, "MOST", 1)
    assert "1 more row is in the file." in page(admin, "times")
    assert [row[0].split()[0] for row in csv_of(admin, "times")[1:]] == [str(service.pk), str(other.pk)]


@pytest.mark.django_db(transaction=True)
def test_an_hour_that_is_counted_meanwhile_counts_once(
    admin: Client, alice: User, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = cast.order(alice, service, "4.5")
    cast.placed(order)
    cast.settled(order)
    now = database_now()
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("UPDATE billing_transfer SET created_at = created_at - interval '2 hours'")
    upkeep.keep_up(now=now)
    by_day = Books.by_day

    def count() -> int:
        try:
            return upkeep.keep_up(now=now)
        finally:
            connection.close()

    def counted_meanwhile(books: Books, first: date, last: date) -> dict[date, Figures]:
        with ThreadPoolExecutor(1) as other:
            assert other.submit(count).result() > 0
        return by_day(books, first, last)

    monkeypatch.setattr(Books, "by_day", counted_meanwhile)
    reads: list[Callable[[], str]] = [
        lambda: csv_of(admin)[-1][2],
        lambda: csv_of(admin, by="service")[1][2],
        lambda: str(figures_of(now=database_now()).rows[0].cells[2].text),
    ]
    for read in reads:
        upkeep.rebuild(now=now)
        assert "4.50" in read()


def test_what_was_typed_wrong_stays(admin: Client) -> None:
    text = page(admin, period="own", **{"from": "2026-11-05", "to": "2026-11-01"})
    assert "The last day is before the first one." in text
    assert 'value="2026-11-05"' in text


def test_names_are_harmless_in_files(admin: Client, sold: Order) -> None:
    Service.objects.update(name="=1+1")
    User.objects.filter(pk=sold.customer_id).update(email="=1@example.com")
    assert csv_of(admin, by="customer")[1][0] == "'=1@example.com"


def test_reports_are_for_those_who_may_see_money(clerk: User, sold: Order) -> None:
    client = sign_in_staff(clerk)
    assert client.get(reverse("admin:report")).status_code == 403
    assert "/admin/money/" not in client.get(reverse("admin:index")).content.decode()
    clerk.user_permissions.add(Permission.objects.get(codename="view_moneyday"))
    client = sign_in_staff(User.objects.get(pk=clerk.pk))
    assert client.get(reverse("admin:report")).status_code == 200
    assert client.get(reverse("admin:report", args=["zzz"])).status_code == 404
