"""Every list of the admin, filled: six columns, filters in one row, and nothing cut on a desktop or a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from catalog.models import DisplayCurrency, OrderRules, Service
from core.list_filters import filter_row
from tests.billing.cast import request_test
from tests.pages.cast import Orders, provider_of
from tests.pages.conftest import LAW, axe_problems, overflow
from tests.pages.keys import used_key
from tests.pages.list_samples import fill_empty_lists
from tests.pages.test_looks import changed_prices, own_pages, pages_of_topups
from tests.sign_in import sign_in_staff

LISTS = [
    (model, f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in admin.site._registry
]
#: The most columns, without the one of the checkboxes.
COLUMNS = 6

#: What of a list does not fit: cells whose content is wider, and parts that reach over the edge of the window.
CUT = """() => {
  const edge = document.documentElement.clientWidth;
  const wide = (e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline";
  const box = (e) => e.getBoundingClientRect();
  const outside = (e) => box(e).width && (box(e).right > edge + 1 || box(e).left < -1);
  const name = (e) => `${e.tagName.toLowerCase()}.${e.className} ${e.textContent.trim().slice(0, 40)}`;
  const cells = [...document.querySelectorAll("#result_list :is(th, td)")].filter((e) => wide(e) || outside(e));
  const parts = [...document.querySelectorAll(".list-find > *, .actions > *, .object-tools a")].filter(outside);
  return [...cells, ...parts].map(name);
}"""


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_superuser("owner@example.com", "correct horse battery")


@pytest.fixture
def filled(orders: Orders, services: list[Service], monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Real rows where they are easily made, and samples in all other lists."""
    settings.DEMO = True
    orders.one_of_each()
    changed_prices(services)
    used_key(orders.who)
    pages_of_topups(orders.who)
    own_pages()
    DisplayCurrency.objects.create(code="VND", rate=25_400, decimals=0)
    OrderRules.objects.create(text="Keep the profile **public**. " * 4)
    request_test(services[0].source.provider)
    fill_empty_lists(monkeypatch)


def test_every_list_has_six_columns_and_its_filters_in_one_row(filled: None, owner: User) -> None:
    visitor, faults = sign_in_staff(owner), []
    for model, name in LISTS:
        answer = visitor.get(reverse(name))
        if answer.status_code == 302:  # one row, whose page it goes to
            continue
        html, page = answer.content.decode(), answer.context["cl"]
        columns = [column for column in page.list_display if column != "action_checkbox"]
        assert page.result_count, f"{model._meta.label} shows no row"
        if len(columns) > COLUMNS:
            faults.append(f"{model._meta.label} has {len(columns)} columns")
        if "changelist-filter" in html or "to view</h1>" in html or "to change</h1>" in html:
            faults.append(f"{model._meta.label} has a filter column or Django's own heading")
        if html.count('name="filter"') != len(filter_row(page).selects):
            faults.append(f"{model._meta.label} lacks a filter in its row")
    assert faults == []


def test_the_selects_lead_to_the_address_of_a_filter(filled: None, owner: User, services: list[Service]) -> None:
    visitor, orders = sign_in_staff(owner), reverse("admin:orders_order_changelist")
    provider = services[0].source.provider_id
    provider_of("Second source")
    sent = {"q": "", "filter": [f"provider__id__exact={provider}", "", "progress__exact=partial"], "p": "3"}
    answer = visitor.get(orders, sent)
    assert answer.status_code == 302
    assert answer["Location"] == f"{orders}?provider__id__exact={provider}&progress__exact=partial"
    html = visitor.get(answer["Location"]).content.decode()
    assert f'<option value="provider__id__exact={provider}" selected>' in html
    assert '<option value="">Any provider</option>' in html
    assert visitor.get(orders, {"q": "x", "filter": ""})["Location"] == f"{orders}?q=x"
    refused = visitor.get(orders, {"filter": "customer__password__startswith=a"})["Location"]
    assert visitor.get(refused).status_code == 400 or "e=1" in visitor.get(refused)["Location"]


@pytest.mark.looks
@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.django_db(transaction=True)
def test_no_list_is_cut(
    live_server: Any, filled: None, owner: User, sign_in: Callable[[User], None], quiet_page: Page, width: int
) -> None:
    sign_in(owner)
    page, faults = quiet_page, []
    page.set_viewport_size({"width": width, "height": 900})
    for model, name in LISTS:
        page.goto(live_server.url + reverse(name))
        if (wider := overflow(page)) > 0:
            faults.append(f"{model._meta.label} is {wider}px wider than {width}px")
        faults += [f"{model._meta.label} at {width}px: {cut}" for cut in page.evaluate(CUT)]
        if name == "admin:orders_order_changelist":
            faults += axe_problems(page, LAW)
    assert faults == []
