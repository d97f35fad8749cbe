"""What one customer was promised comes before group and list, never below cost, and for as long as it was promised."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import make_aware

from accounts.models import CustomerGroup, User
from catalog.models import CustomerPrice, ProviderService, Service
from catalog.prices import customer_sheet
from catalog.prices.customer_sheet import read_sheet, set_customer_prices
from catalog.shop.price_list import list_services
from catalog.shop.price_list_query import PriceListQuery
from core.clock import database_now
from core.models import StaffAction
from core.staff_actions import Actor
from orders.checkout.placement import quote
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.sign_in import sign_in_staff as signed_in

pytestmark = pytest.mark.django_db
FIELDS = {"link": "https://example.com/p/1", "quantity": "1000"}


@pytest.fixture
def sold(panel: Panel, sync: Sync) -> Service:
    """It costs 1 and is sold for 1.30."""
    panel.lists([row(1, rate="1")])
    sync()
    return Service.objects.get()


@pytest.fixture
def bob(db: None) -> User:
    group = CustomerGroup.objects.create(name="Resellers", percent=Decimal(-10))
    return User.objects.create_user("bob@example.com", group=group)


@pytest.fixture
def owner(db: None) -> Client:
    return signed_in(User.objects.create_superuser("owner@example.com", "correct horse battery"))


def pays(customer: User, service: Service) -> Decimal:
    """What 1,000 cost, the same in the form and in the list."""
    [shown] = list_services(PriceListQuery(), customer).prices
    assert quote(service_id=service.pk, fields=FIELDS, customer=customer).charge == shown
    assert shown is not None
    return shown


def promise(customer: User, **terms: Any) -> CustomerPrice:
    made = CustomerPrice(customer=customer, **terms)
    made.full_clean()
    made.save()
    return made


def test_the_service_comes_before_the_category_and_that_before_the_group(sold: Service, bob: User) -> None:
    assert pays(bob, sold) == Decimal("1.17")
    promise(bob, category=sold.category, percent=Decimal(20))
    assert pays(bob, sold) == Decimal("1.04")
    fixed = promise(bob, service=sold, price=Decimal("1.11"))
    assert pays(bob, sold) == Decimal("1.11")
    fixed.delete()
    assert pays(bob, sold) == Decimal("1.04")
    other = User.objects.create_user("eve@example.com")
    assert pays(other, sold) == Decimal("1.3")


@pytest.mark.parametrize("terms", [{"price": Decimal("0.5")}, {"percent": Decimal(60)}])
def test_nobody_pays_less_than_the_cost(sold: Service, bob: User, terms: dict[str, Decimal]) -> None:
    promise(bob, **terms, **({"service": sold} if "price" in terms else {"category": sold.category}))
    assert pays(bob, sold) == 1
    ProviderService.objects.update(rate=Decimal("1.2"))
    assert pays(bob, sold) == Decimal("1.2")


def test_a_promise_ends(sold: Service, bob: User) -> None:
    made = promise(bob, service=sold, price=Decimal("1.05"), ends_at=database_now() + timedelta(hours=1))
    assert pays(bob, sold) == Decimal("1.05")
    CustomerPrice.objects.filter(pk=made.pk).update(ends_at=database_now() - timedelta(seconds=1))
    assert pays(bob, sold) == Decimal("1.17")


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("customer_price_once_per_service", [{"service": True, "price": 1}, {"service": True, "price": 2}]),
        ("customer_price_once_per_category", [{"category": True, "percent": 1}, {"category": True, "percent": 2}]),
        ("customer_price_about_one_thing", [{"price": 1}]),
        ("customer_price_about_one_thing", [{"service": True, "percent": 1}]),
        ("customer_price_about_one_thing", [{"service": True, "price": 1, "category": True, "percent": 1}]),
        ("customer_price_sane", [{"service": True, "price": -1}]),
        ("customer_price_sane", [{"category": True, "percent": 101}]),
    ],
)
def test_the_database_takes_no_other_row(sold: Service, bob: User, name: str, rows: list[dict[str, Any]]) -> None:
    known = {"service": sold, "category": sold.category}
    made = [CustomerPrice(customer=bob, **{key: known.get(key, v) for key, v in terms.items()}) for terms in rows]
    with pytest.raises(IntegrityError, match=name):
        CustomerPrice.objects.bulk_create(made)


SHEET = """customer,service,unit,price,category,percent,until
bob@example.com,{service},per_1000,1.05,,,2030-01-31 18:00
bob@example.com,,,,{category},12.5,
nobody@example.com,{service},,1,,,
bob@example.com,{service},per_package,1,,,
bob@example.com,999999,,1,,,
bob@example.com,{service},,,,5,
bob@example.com,,,,{category},101,
bob@example.com,{service},,1.000001,,,
bob@example.com,{service},,1,,,tomorrow
"""


def previewed(owner: Client, *lines: str) -> Any:
    """The preview of a file with these lines."""
    text = "\n".join(("customer,service,price,category,percent", *lines))
    url = reverse("admin:catalog_customerprice_import")
    return owner.post(url, {"sheet": SimpleUploadedFile("prices.csv", text.encode())})


def confirmation(page: Any) -> dict[str, str]:
    """What the form of a preview sends."""
    return {"confirmed": "1", "text": page.context["text"], **page.context["seen"]}


def test_a_sheet_is_previewed_and_then_set(owner: Client, sold: Service, bob: User) -> None:
    text = SHEET.format(service=sold.pk, category=sold.category_id)
    sheet = read_sheet(text)
    assert (sheet.read, len(sheet.prices), len(sheet.problems)) == (9, 2, 7)
    assert ["another unit" in problem for problem in sheet.problems] == [False, True, *[False] * 5]
    url = reverse("admin:catalog_customerprice_import")
    shown = owner.post(url, {"sheet": SimpleUploadedFile("prices.csv", text.encode())})
    assert "There is no customer with this e-mail address." in shown.content.decode()
    assert CustomerPrice.objects.count() == 0
    answer = owner.post(url, confirmation(shown), follow=True)
    assert "2 customer prices are set." in str(list(answer.context["messages"])[-1])
    assert pays(bob, sold) == Decimal("1.05")
    assert StaffAction.objects.filter(action="customer_price.import").count() == 2
    exported = b"".join(owner.get(reverse("admin:catalog_customerprice_export")).streaming_content).decode()  # type: ignore[attr-defined]
    assert f"bob@example.com,{sold.pk},per_1000,1.05000,,,2030-01-31 18:00" in exported
    assert len(read_sheet(exported).prices) == 2


def test_a_sheet_is_set_as_it_was_previewed_or_not_at_all(owner: Client, sold: Service, bob: User) -> None:
    made = promise(bob, service=sold, price=Decimal("1.25"))
    shown = previewed(owner, f"bob@example.com,{sold.pk},1.1,,")
    assert "<del>" in shown.content.decode()
    assert shown.context["sheet"].prices[0].before.price == Decimal("1.25")
    CustomerPrice.objects.filter(pk=made.pk).update(price=Decimal("1.2"))
    elsewhere = signed_in(User.objects.get(email="owner@example.com"))
    changed = confirmation(shown) | {"text": shown.context["text"].replace("1.1", "0.1")}
    for client, form in ((owner, confirmation(shown)), (elsewhere, confirmation(shown)), (owner, changed)):
        answer = client.post(shown.request["PATH_INFO"], form)
        words = answer.content.decode()
        assert "Prices, services or customers have changed since the preview. Nothing was set." in words
        assert pays(bob, sold) == Decimal("1.2")
    owner.post(shown.request["PATH_INFO"], confirmation(previewed(owner, f"bob@example.com,{sold.pk},1.1,,")))
    assert pays(bob, sold) == Decimal("1.1")


def test_a_confirmed_sheet_with_problems_sets_nothing(owner: Client, sold: Service, bob: User) -> None:
    eve = User.objects.create_user("eve@example.com")
    lines = [f"bob@example.com,{sold.pk},1.1,,", f"eve@example.com,{sold.pk},1.2,,"]
    shown = previewed(owner, *lines)
    eve.delete()
    answer = owner.post(shown.request["PATH_INFO"], confirmation(shown))
    words = answer.content.decode()
    assert "Nothing was set." in words
    assert "Line 3: There is no customer with this e-mail address." in words
    assert not CustomerPrice.objects.exists()
    owner.post(shown.request["PATH_INFO"], confirmation(answer))
    assert CustomerPrice.objects.get().customer == bob


def test_of_two_lines_about_the_same_the_later_counts(owner: Client, sold: Service, bob: User) -> None:
    line = f"bob@example.com,{sold.pk},"
    shown = previewed(owner, f"{line}1.1,,", f"bob@example.com,,,{sold.category_id},5", f"{line}1.2,,")
    assert len(shown.context["sheet"].prices) == 2
    owner.post(shown.request["PATH_INFO"], confirmation(shown))
    assert pays(bob, sold) == Decimal("1.2")
    assert StaffAction.objects.filter(action="customer_price.import").count() == 2


def test_setting_prices_takes_as_many_queries_for_many_lines_as_for_few(sold: Service, bob: User) -> None:
    customers = User.objects.bulk_create(User(email=f"c{n}@example.com", is_active=True) for n in range(30))
    promise(customers[0], service=sold, price=Decimal("1.25"))

    def queries(chosen: list[User]) -> int:
        lines = [f"{c.email},{sold.pk},1.1,,,2030-01-31\n{c.email},,,{sold.category_id},5," for c in chosen]
        text = "\n".join(("customer,service,price,category,percent,until", *lines))
        with CaptureQueriesContext(connection) as asked:
            made = set_customer_prices(read_sheet(text).prices, actor=Actor("staff:1", "owner", job=7))
        assert made == 2 * len(chosen)
        return len(asked)

    assert queries(customers[:2]) == queries(customers)
    assert CustomerPrice.objects.get(customer=customers[0], service=sold).price == Decimal("1.1")
    assert CustomerPrice.objects.count() == 60
    first, second = StaffAction.objects.filter(action="customer_price.import").order_by("id")[:2]
    assert (first.object_name, second.object_name) == (f"c0@example.com: {sold}", f"c0@example.com: {sold.category}")
    assert first.object_id == str(CustomerPrice.objects.get(customer=customers[0], service=sold).pk)
    assert (first.object_type, first.actor, second.before) == ("catalog.customerprice", "staff:1", {})
    assert first.before == {"price": "1.25000", "percent": None, "ends_at": None}
    assert first.after == {
        "service_id": sold.pk, "category_id": None, "price": "1.1", "percent": None,
        "ends_at": "2030-02-01 00:00:00+00:00", "job": 7,
    }  # fmt: skip


def test_a_day_in_a_sheet_is_the_last_one(owner: Client, sold: Service, bob: User) -> None:
    text = f"customer,service,price,until\nbob@example.com,{sold.pk},1.1,2030-01-31\n"
    [price] = read_sheet(text).prices
    assert price.ends_at == make_aware(datetime(2030, 2, 1))
    set_customer_prices([price], actor=Actor("staff:1", "owner"))
    assert [cells[-1] for cells in customer_sheet.sheet_rows()] == ["until", "2030-01-31"]
    listing = reverse("admin:catalog_customerprice_changelist")
    assert "31 Jan 2030" in owner.get(listing).content.decode()
    CustomerPrice.objects.update(ends_at=make_aware(datetime(2026, 1, 31, 18)))
    for page in (listing, reverse("admin:accounts_user_change", args=[bob.pk])):
        assert "31 Jan 2026 18:00, ended" in owner.get(page).content.decode()


def test_what_is_deleted_stays_in_the_log(owner: Client, sold: Service, bob: User) -> None:
    fixed = promise(bob, service=sold, price=Decimal("1.05"))
    percent = promise(bob, category=sold.category, percent=Decimal(20))
    owner.post(reverse("admin:catalog_customerprice_delete", args=[fixed.pk]), {"post": "yes"})
    act = {"action": "delete_selected", "_selected_action": [percent.pk], "post": "yes"}
    owner.post(reverse("admin:catalog_customerprice_changelist"), act)
    assert not CustomerPrice.objects.exists()
    first, second = StaffAction.objects.filter(action="customerprice.delete").order_by("id")
    assert first.before == {
        "customer": "bob@example.com", "service": str(sold), "price": "1.05000", "category": None, "percent": None,
        "ends_at": None,
    }  # fmt: skip
    assert (second.before["category"], second.before["percent"]) == (sold.category.name, "20.00")


def test_the_list_says_that_it_is_filtered_by_other_prices(client: Client, sold: Service, bob: User) -> None:
    client.force_login(bob)
    words = "not by your own."
    assert words in client.get("/", {"sort": "price"}).content.decode()
    assert words not in client.get("/").content.decode()
    bob.group = None
    bob.save()
    assert words not in client.get("/", {"sort": "price"}).content.decode()


def test_a_sheet_that_is_too_long_says_so(sold: Service, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_sheet, "MAX_ROWS", 1)
    sheet = read_sheet(f"customer,service,price\nbob@example.com,{sold.pk},1\nbob@example.com,{sold.pk},2")
    assert [price.price for price in sheet.prices] == [1]
    assert sheet.problems == ["Only the first 1 lines were read."]


def test_prices_with_a_decimal_comma_are_confirmed_as_they_were_read(owner: Client, sold: Service, bob: User) -> None:
    text = f"customer;service;price;until\nbob@example.com;{sold.pk};1,25;2030-01-31"
    url = reverse("admin:catalog_customerprice_import")
    shown = owner.post(url, {"sheet": SimpleUploadedFile("prices.csv", text.encode())})
    owner.post(url, confirmation(shown))
    assert pays(bob, sold) == Decimal("1.25")


@pytest.mark.parametrize("line", ["{},1,50", "{},1.05,,extra", '{},1,"50"'])
def test_a_line_with_more_cells_than_columns_is_refused(sold: Service, bob: User, line: str) -> None:
    """A decimal comma cuts a price in two: 1,50 is not 1."""
    sheet = read_sheet(f"customer,service,price\nbob@example.com,{line.format(sold.pk)}")
    assert sheet.prices == []
    assert sheet.problems == ["Line 2: There are more cells than columns. Put a price with a comma into quotes."]


def test_a_file_with_nul_is_refused_and_asks_no_database(owner: Client, sold: Service, bob: User) -> None:
    text = f"customer,service,price\nbob@example.com\0,{sold.pk},1"
    url = reverse("admin:catalog_customerprice_import")
    answer = owner.post(url, {"sheet": SimpleUploadedFile("prices.csv", text.encode())})
    assert "The file is not a text. Save the table as CSV in UTF-8." in answer.content.decode()
    assert read_sheet(text).problems == ["Line 2: There is no customer with this e-mail address."]


@pytest.mark.parametrize("text", ["", "nothing\nhere", "customer\nbob", "\0", '"'])
def test_what_is_no_sheet_says_so(db: None, text: str) -> None:
    assert read_sheet(text).problems


def test_the_form_takes_one_thing_at_a_time(owner: Client, sold: Service, bob: User) -> None:
    url = reverse("admin:catalog_customerprice_add")
    both = {"customer": bob.pk, "service": sold.pk, "price": "1", "category": sold.category_id, "percent": "5"}
    assert "a category with its percentage" in owner.post(url, both).content.decode()
    answer = owner.post(url, {"customer": bob.pk, "service": sold.pk, "price": "1.25"}, follow=True)
    assert CustomerPrice.objects.get().price == Decimal("1.25"), answer.content.decode()
    assert pays(bob, sold) == Decimal("1.25")
