"""The owner works on many services at once: bulk actions, filters, prices as a file, another provider's row."""

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertHTMLEqual

from accounts.models import CustomerGroup, User
from catalog.admin.cells import CellRenderer
from catalog.models import Category, MarkupRule, ProviderService, Service, ServiceChange
from catalog.prices.price_sheet import read_sheet, sheet_rows
from catalog.shop.bulk_edit import set_own_prices
from core.clock import database_now
from core.models import StaffAction
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale
from tests.sign_in import sign_in_staff

LIST = "admin:catalog_service_changelist"
IMPORT = "admin:catalog_service_import_prices"


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


@pytest.fixture
def sold(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="1"), row(2, rate="2"), row(3, rate="3")])
    sync()


def act(owner: Client, action: str, *chosen: str, **more: Any) -> Any:
    ids = [str(on_sale()[external_id].pk) for external_id in chosen]
    return owner.post(reverse(LIST), {"action": action, "_selected_action": ids, **more})


def test_services_moved_to_another_category_stay_there(owner: Client, panel: Panel, sync: Sync, sold: None) -> None:
    best = Category.objects.create(name="Best of")
    act(owner, "change_category", "1", "2", to_category=best.pk)
    panel.lists([row(1, rate="1", name="x"), row(2, rate="2"), row(3, rate="3")])
    sync()
    assert [s.category.name for s in on_sale().values()].count("Best of") == 2
    assert "best of" in on_sale()["1"].search_text


def test_a_markup_is_set_for_whole_categories_after_a_preview(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(n, rate="1", category="Likes" if n > 2 else "Views") for n in range(1, 5)])
    sync()
    MarkupRule.objects.create(name="Likes", category=Category.objects.get(name="Likes"), percent=Decimal(30))
    shown = act(owner, "set_markup", *"1234", percent="100").context["preview"]
    assert (shown.changed, {e.new for e in shown.shown}) == (4, {Decimal(2)})
    assert MarkupRule.objects.get().percent == 30
    act(owner, "set_markup", *"1234", percent="100", seen_prices=shown.digest)
    assert {service.price for service in on_sale().values()} == {Decimal(2)}
    assert set(MarkupRule.objects.values_list("name", "percent")) == {("Views", 100), ("Likes", 100)}


def test_no_markup_is_set_for_a_part_of_a_category(owner: Client, sold: None) -> None:
    response = act(owner, "set_markup", "1", "2", percent="100")
    assert response.status_code == 302
    assert "A markup is set for whole categories." in owner.get(reverse(LIST)).content.decode()
    assert not MarkupRule.objects.exists()


@pytest.mark.parametrize("percent", ["", "-5", "x"])
def test_an_invalid_markup_changes_nothing(owner: Client, sold: None, percent: str) -> None:
    act(owner, "set_markup", "1", percent=percent)
    assert not MarkupRule.objects.exists()


def test_hidden_services_are_recorded_as_gone(owner: Client, sold: None) -> None:
    act(owner, "hide", "1")
    assert ServiceChange.objects.latest("id").kind == "gone"


def test_own_prices_are_edited_in_the_list(owner: Client, sold: None) -> None:
    service = on_sale()["1"]
    form = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(service.pk), "form-0-is_visible": "on",
        "form-0-own_price": "1.75", "form-0-position": "7", "_save": "Save",
    }  # fmt: skip
    owner.post(f"{reverse(LIST)}?id={service.pk}", form)
    service.refresh_from_db()
    assert (service.price, service.position, service.pins) == (Decimal("1.75"), 7, ["position"])


@pytest.mark.parametrize(("typed", "price"), [("0.5", "1"), ("", "1.3")])
def test_one_price_is_previewed_unless_it_becomes_what_was_typed(
    owner: Client, sold: None, typed: str, price: str
) -> None:
    """0.5 is below the cost, and without an own price the rules decide."""
    service = on_sale()["1"]
    set_own_prices({service.pk: Decimal("1.75")}, now=database_now())
    form = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(service.pk), "form-0-is_visible": "on",
        "form-0-own_price": typed, "form-0-position": "7", "_save": "Save",
    }  # fmt: skip
    shown = owner.post(f"{reverse(LIST)}?id={service.pk}", form).context["preview"]
    assert [(e.old, e.new) for e in shown.shown] == [(Decimal("1.75"), Decimal(price))]
    assert on_sale()["1"].price == Decimal("1.75")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"margin": "10-25"}, 3),
        ({"margin": "0"}, 0),
        ({"margin": "50"}, 0),
        ({"margin": "x"}, 3),
        ({"state": "sale"}, 3),
        ({"state": "hidden"}, 0),
        ({"state": "quarantine"}, 0),
        ({"state": "held"}, 0),
        ({"state": "own"}, 0),
        ({"state": "gone"}, 0),
    ],
)
def test_the_list_is_filtered_by_margin_and_state(owner: Client, sold: None, asked: dict[str, str], found: int) -> None:
    assert owner.get(reverse(LIST), asked).context["cl"].result_count == found


def sheet(*lines: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("prices.csv", "\n".join(("id,own_price", *lines)).encode())


def test_prices_are_exported_and_imported_after_a_preview(owner: Client, sold: None) -> None:
    out = b"".join(owner.get(reverse("admin:catalog_service_prices")).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(r["name"], r["price"], r["own_price"]) for r in rows][0] == ("Followers 1", "1.30000", "")
    rows[0]["own_price"], rows[1]["own_price"] = "9.99", "0.5"
    edited = io.StringIO()
    writer = csv.DictWriter(edited, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    upload = SimpleUploadedFile("prices.csv", edited.getvalue().encode("utf-8-sig"))
    look = owner.post(reverse(IMPORT), {"sheet": upload})
    assert [(p.own_price, p.new) for p in look.context["sheet"].prices] == [
        (Decimal("9.99"), Decimal("9.99")),
        (Decimal("0.5"), Decimal(2)),
    ]
    assert look.context["sheet"].lifted == 1
    assert not Service.objects.filter(own_price__isnull=False).exists()
    owner.post(reverse(IMPORT), confirmation(look))
    assert [on_sale()[n].price for n in "123"] == [Decimal("9.99"), Decimal(2), Decimal("3.9")]


def confirmation(page: Any) -> dict[str, str]:
    """What the form of a preview sends."""
    return {"confirmed": "1", "text": page.context["text"], **page.context["seen"]}


def test_prices_are_imported_as_they_were_previewed_or_not_at_all(owner: Client, sold: None) -> None:
    pk = on_sale()["1"].pk
    look = owner.post(reverse(IMPORT), {"sheet": sheet(f"{pk},9.99")})
    set_own_prices({pk: Decimal(5)}, now=database_now())
    elsewhere = sign_in_staff(User.objects.get(email="owner@example.com"))
    other = {**confirmation(look), "text": look.context["text"].replace("9.99", "0.99")}
    for client, form in ((owner, confirmation(look)), (elsewhere, confirmation(look)), (owner, other)):
        again = client.post(reverse(IMPORT), form)
        assert b"have changed since the preview. Nothing was set." in again.content
        assert on_sale()["1"].price == 5
    assert not StaffAction.objects.filter(action="prices.import").exists()
    fresh = owner.post(reverse(IMPORT), confirmation(look))
    assert [(p.old, p.new) for p in fresh.context["sheet"].prices] == [(Decimal(5), Decimal("9.99"))]
    owner.post(reverse(IMPORT), confirmation(fresh))
    assert on_sale()["1"].price == Decimal("9.99")


def test_an_import_takes_as_many_queries_for_many_prices_as_for_few(owner: Client, panel: Panel, sync: Sync) -> None:
    panel.lists([row(n, rate="1") for n in range(1, 31)])
    sync()
    services = list(on_sale().values())

    def queries(chosen: list[Service], price: str) -> int:
        form = confirmation(owner.post(reverse(IMPORT), {"sheet": sheet(*(f"{s.pk},{price}" for s in chosen))}))
        with CaptureQueriesContext(connection) as asked:
            assert owner.post(reverse(IMPORT), form).status_code == 302
        return len(asked)

    queries(services[:1], "7")
    assert queries(services[:2], "8") == queries(services, "9")
    action = StaffAction.objects.filter(action="prices.import", object_id=str(services[0].pk)).order_by("id")[1]
    assert (action.before, action.after) == ({"own_price": "7.00000"}, {"own_price": "8.00000"})
    assert (action.object_name, action.object_type) == (str(services[0]), "catalog.service")
    assert StaffAction.objects.filter(action="prices.import").count() == 33


def test_a_sheet_with_invalid_lines_names_them(owner: Client, sold: None) -> None:
    lines = ("x,1", "1,-1", "1,NaN", "1,0.000001", "1,1e99", "99999999,1")
    reading = owner.post(reverse(IMPORT), {"sheet": sheet(*lines)}).context["sheet"]
    assert (len(reading.problems), reading.prices, reading.read) == (5, [], 6)
    assert read_sheet("a,b\n1,2").problems == ["The first line must name the columns id and own_price."]
    for long in ("a" * 200_000, f"id,own_price\n1,{'2' * 200_000}"):
        assert read_sheet(long).problems == ["This is not a valid CSV file."]
    upload = {"sheet": SimpleUploadedFile("x", b"\xff\xfe\x00")}
    assert b"not encoded in UTF-8" in owner.post(reverse(IMPORT), upload).content


def test_a_hostile_name_cannot_be_a_spreadsheet_formula(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, name='=HYPERLINK("http://x")')])
    sync()
    assert [cells[4] for cells in sheet_rows()] == ["name", '\'=HYPERLINK("http://x")']


def test_only_staff_who_may_change_services_import_prices(owner: Client, sold: None) -> None:
    clerk = sign_in_staff(User.objects.create_user("clerk@example.com", is_staff=True))
    assert clerk.get(reverse("admin:catalog_service_prices")).status_code == 403
    assert clerk.post(reverse(IMPORT), {"confirmed": "1", "text": "id,own_price\n1,1"}).status_code == 403


def test_a_service_is_moved_to_another_row_and_given_a_fallback(owner: Client, sold: None) -> None:
    service, other = on_sale()["1"], ProviderService.objects.get(external_id="2")
    third = ProviderService.objects.get(external_id="3")
    form = {
        "name": service.name, "category": service.category_id, "description": "", "min": service.min,
        "max": service.max, "position": service.position, "is_visible": "on", "badges": "Best,New", "own_time": "1 h",
    }  # fmt: skip
    address = reverse("admin:catalog_service_change", args=[service.pk])
    owner.post(address, {**form, "fallback": third.pk})
    service.refresh_from_db()
    assert (service.fallback, service.badges, service.own_time) == (third, ["Best", "New"], "1 h")
    shown = owner.post(address, {**form, "move_to": other.pk}).context["preview"]
    assert [(e.old, e.new) for e in shown.shown] == [(Decimal("1.3"), Decimal("2.6"))]
    owner.post(address, {**form, "move_to": other.pk, "seen_prices": shown.digest})
    service.refresh_from_db()
    assert (service.source, service.price) == (other, Decimal("2.6"))
    ProviderService.objects.filter(pk=third.pk).update(type="poll")
    response = owner.post(address, {**form, "move_to": third.pk})
    assert b"of another type" in response.content


def test_a_sheet_separated_by_semicolons_is_read(sold: None) -> None:
    service = on_sale()["1"]
    for written in ("1.75", "1,75", "1,75000", '"1,75 €"', "١٫٧٥"):
        (price,) = read_sheet(f"id;name;own_price\r\n{service.pk};a,b;{written}\r\n").prices
        assert (price.service_id, price.own_price) == (service.pk, Decimal("1.75"))


@pytest.mark.parametrize(
    ("sheet", "price"),
    [
        ("id;own_price\n{};1.234,50\n", "1234.50"),
        ("id;own_price\n{};1\u00a0234,50\n", "1234.50"),
        ("sep=;\nID;own_price\n{};1’234,5\n", "1234.50"),
        ("id\town_price\n{}\t1,234.50\n", "1234.50"),
        ('id,own_price\n{},"1,234.50"\n', "1234.50"),
        ("id,own_price\n{},1E-05\n", "0.00001"),
        ("id,own_price\n{},1.234\n", "1.234"),
    ],
)
def test_a_price_is_read_as_spreadsheets_write_it(sold: None, sheet: str, price: str) -> None:
    (read,) = read_sheet(sheet.format(on_sale()["1"].pk)).prices
    assert read.own_price == Decimal(price)


@pytest.mark.parametrize(
    ("sheet", "problem"),
    [
        ("id;own_price\n{};1.234\n", "Line 2: This may be 1234 or 1.2340. Write it as one of them."),
        ('id,own_price\n{},"1,234"\n', "Line 2: This may be 1234 or 1.2340. Write it as one of them."),
        ("id,own_price\n{},5,50\n", "Line 2: There are more cells than columns."),
        ("id,own_price\n{},about 5\n", "Line 2: Please enter a number, such as 5.50."),
        ("id,own_price\n{},-5\n", "Line 2: A price is above zero and has at most five places."),
        ("id,own_price\nx{},5\n", "Line 2: There is no service id."),
    ],
)
def test_a_price_that_may_be_two_is_named_and_not_read(sold: None, sheet: str, problem: str) -> None:
    reading = read_sheet(sheet.format(on_sale()["1"].pk))
    assert reading.prices == []
    assert reading.problems[0].startswith(problem)


def test_a_sheet_in_a_spreadsheets_own_encoding_is_read(owner: Client, sold: None) -> None:
    service = on_sale()["1"]
    for content in (
        f"id;name;own_price\n{service.pk};Gef\u00e4llt;1\u00a0234,50\n".encode("cp1252"),
        f"id\tname\town_price\n{service.pk}\tBe\u011feni\t1.234,50\n".encode("utf-16"),
    ):
        reading = owner.post(reverse(IMPORT), {"sheet": SimpleUploadedFile("p.csv", content)}).context["sheet"]
        assert [p.own_price for p in reading.prices] == [Decimal("1234.5")]


def test_a_service_page_shows_each_groups_price_and_rule(owner: Client, sold: None) -> None:
    service = on_sale()["1"]
    theirs = CustomerGroup.objects.create(name="Resellers", percent=Decimal(0))
    CustomerGroup.objects.create(name="Friends", percent=Decimal(-10))
    MarkupRule.objects.create(name="Wholesale", group=theirs, percent=Decimal(12))
    page = owner.get(reverse("admin:catalog_service_change", args=[service.pk])).content.decode()
    text = re.sub(r"<(?!br)[^>]+>", "", page[page.index("prices of groups") :] if "prices of groups" in page else page)
    assert "Friends: $1.17 (30 %)<br>Resellers: $1.12 (Wholesale)" in text


def test_the_list_takes_the_same_queries_for_any_number_of_services(
    owner: Client, panel: Panel, sync: Sync, django_assert_max_num_queries: Any
) -> None:
    panel.lists(row(n, category=f"Category {n % 40}") for n in range(1, 201))
    sync()
    owner.get(reverse(LIST))
    with django_assert_max_num_queries(14):
        assert owner.get(reverse(LIST)).content.count(b"form-0-own_price") > 0


@pytest.mark.parametrize("category", ["x", "-1", "9" * 30, "\u0661"])
def test_an_invalid_category_filters_nothing(owner: Client, sold: None, category: str) -> None:
    assert owner.get(reverse(LIST), {"category": category}).status_code in (200, 302)


@pytest.mark.parametrize(
    ("widget", "value"),
    [
        (forms.NumberInput(), 0),
        (forms.NumberInput(attrs={"step": "any", "required": True, "disabled": False}), Decimal("0.50")),
        (forms.TextInput(), '"><script>'),
        (forms.CheckboxInput(), True),
        (forms.CheckboxInput(), False),
        (forms.HiddenInput(), None),
        (forms.Textarea(), "<b>"),
    ],
)
def test_a_cell_is_rendered_as_django_would(widget: forms.Widget, value: Any) -> None:
    attrs = {"id": "id_1", "aria-label": "Shown: 1 <b>"}
    quick = widget.render("cell", value, attrs, renderer=CellRenderer())
    assertHTMLEqual(quick, widget.render("cell", value, attrs))


def test_a_service_in_the_list_names_its_provider_rate_and_margin(owner: Client, sold: None) -> None:
    html = owner.get(reverse(LIST)).content.decode()
    cells = re.findall(r'<td [^>]*class="field-(?:category_|cost_|price_)".*?</td>', html)
    lines = [re.search(r'"second-line">(.*)</span></td>', cell) for cell in cells[:3]]
    assert [re.sub("<.*?>", "", line[1]) for line in lines if line] == ["Gulf", "1 USD", "23.1 %"]
