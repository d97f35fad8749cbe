"""An id that becomes another product stops selling until the owner has looked at both."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import CustomerPrice, MarkupRule, Provider, ProviderService, Service, ServiceChange
from catalog.prices.price_sheet import sheet_rows
from catalog.prices.reprice import save_rule
from catalog.service_changes import recording_changes_of
from catalog.shop.price_list import list_services
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.row_decisions import accept_rows
from catalog.sync.same_product import Product, what_differs
from core.clock import database_now
from core.models import StaffAction
from core.staff_actions import shell_actor
from notices.models import Alert
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale, source

FOLLOWERS = row(1, name="Profile followers, 30 days", category="Followers", rate="1.50")
LIKES = row(2, name="Profile likes", category="Likes")
BEFORE = Product("Instagram Followers [30 days refill]", "default", "per_1000", "Instagram Followers")


@pytest.mark.parametrize(
    ("now", "is_same"),
    [
        (BEFORE, True),
        (BEFORE._replace(name="IG Followers | HQ | R30 ⚡"), True),
        (BEFORE._replace(name="Real Instagram Subscribers"), True),
        (BEFORE._replace(name="Instagram Takipçi", category="Instagram"), True),
        (BEFORE._replace(name="Instagram Followers + Likes"), True),
        (BEFORE._replace(name="Short video views, instant", category="Video views"), False),
        (BEFORE._replace(name="TikTok Followers", category="TikTok"), False),
        (BEFORE._replace(name="Instagram Likes"), False),
        (BEFORE._replace(type="custom_comments"), False),
        (BEFORE._replace(type="package", unit="per_package"), False),
    ],
)
def test_what_is_another_product(now: Product, is_same: bool) -> None:
    assert (what_differs(BEFORE, now) == "") is is_same


def test_names_that_name_no_goods_are_compared_by_their_words() -> None:
    gold = Product("Growth bundle gold", "default", "per_1000", "")
    assert not what_differs(gold, gold._replace(name="Growth BUNDLE silver 2"))
    assert what_differs(gold, gold._replace(name="Something else entirely"))
    assert not what_differs(gold, gold._replace(name="12345"))  # no word, so nothing can be said


@pytest.fixture
def sold(panel: Panel, provider: Provider, sync: Sync) -> Service:
    panel.lists([FOLLOWERS, LIKES])
    sync()
    return on_sale()["1"]


def test_a_reused_id_is_sold_no_more_until_it_is_accepted(
    panel: Panel, provider: Provider, sync: Sync, sold: Service
) -> None:
    Service.objects.filter(pk=sold.pk).update(name="My followers", pins=["name"])
    views = row(1, name="Short video views, instant", category="Video views", rate="1.55")
    panel.lists([views, LIKES])
    sync()
    assert on_sale().keys() == {"2"}
    assert Alert.objects.get(cause__endswith=":other_products").title.endswith("gave ids of services to other products")
    # A small change of the new product does not pass for a return of the old one.
    panel.lists([{**views, "name": "Short video views, instant, HQ"}, LIKES])
    sync()
    assert on_sale().keys() == {"2"}
    assert source("1").product_before["name"] == "Profile followers, 30 days"
    # The old product is sold again as soon as it is back.
    panel.lists([{**FOLLOWERS, "name": "Profile followers, 60 days"}, LIKES])
    sync()
    assert on_sale().keys() == {"1", "2"}
    assert source("1").product_before is None
    panel.lists([views, LIKES])
    sync()
    accept_rows([source("1").pk], actor=shell_actor(), now=database_now())
    assert on_sale().keys() == {"1", "2"}
    panel.lists([{**views, "rate": "1.60"}, LIKES])
    sync()
    assert on_sale().keys() == {"1", "2"}


def test_a_fixed_price_never_passes_into_another_unit(
    panel: Panel, provider: Provider, sync: Sync, sold: Service
) -> None:
    Service.objects.filter(pk=sold.pk).update(own_price=Decimal("9.99"))
    save_rule(MarkupRule(name="dear", service=sold, percent=Decimal(10), fixed=Decimal(5)), now=database_now())
    bob = User.objects.create_user("bob@example.com")
    promised = CustomerPrice.objects.create(customer=bob, service=sold, price=Decimal("1.8"))
    CustomerPrice.objects.create(customer=bob, service=on_sale()["2"], price=Decimal("1.9"))
    CustomerPrice.objects.create(customer=bob, category=sold.category, percent=Decimal(5))
    package = {**FOLLOWERS, "type": "Package", "min": "1", "max": "1"}
    # A row that lacks what an order needs is not accepted, and nothing ends.
    panel.lists([{**package, "rate": "0"}, LIKES])
    sync()
    assert accept_rows([source("1").pk], actor=shell_actor(), now=database_now()) == ([], 0)
    assert Service.objects.get(pk=sold.pk).own_price == Decimal("9.99")
    panel.lists([package, LIKES])
    sync()
    assert on_sale().keys() == {"2"}
    accepted = accept_rows([source("1").pk], actor=shell_actor(), now=database_now())
    assert accepted.ended_prices == 1
    assert set(CustomerPrice.objects.values_list("price", "percent")) == {(None, 5), (Decimal("1.9"), None)}
    [log] = StaffAction.objects.filter(action="customer_price.end")
    assert (log.object_id, log.before) == (str(promised.pk), {"price": "1.80000", "ends_at": None})
    service = on_sale()["1"]
    assert service.own_price is None
    assert service.price == Decimal("1.50") * Decimal("1.30")
    assert not MarkupRule.objects.get().is_active
    # No price per 1,000 was compared with one per package.
    kinds = list(ServiceChange.objects.filter(service=sold).order_by("id").values_list("kind", "old_price"))
    assert [kind for kind, _old in kinds][-2:] == ["gone", "back"]
    assert kinds[-1][1] is None


def test_the_owner_sees_both_rows_side_by_side(panel: Panel, sync: Sync, sold: Service, admin_client: Client) -> None:
    panel.lists([row(1, name="Short <b>video</b> views", category="Video views", rate="1.55"), LIKES])
    sync()
    waiting: Any = ProviderService.objects.get(external_id="1")
    html = admin_client.get(reverse("admin:catalog_providerservice_changelist"), {"sale": "other"}).content.decode()
    assert "followers became views" in html
    html = admin_client.get(reverse("admin:catalog_providerservice_change", args=[waiting.pk])).content.decode()
    for shown in ("Profile followers, 30 days", "Short", "1.5", "1.55"):
        assert shown in html
    assert "<b>video</b>" not in html


def test_a_rate_of_another_unit_is_no_jump_no_fall_and_no_change_of_the_rate(
    panel: Panel, provider: Provider, sync: Sync, sold: Service, admin_client: Client
) -> None:
    Provider.objects.update(holds_falls=True)
    package = {**FOLLOWERS, "type": "Package", "min": "1", "max": "1", "rate": "0.01"}
    panel.lists([package, LIKES])
    run = sync()
    waiting = source("1")
    assert [reason.partition(":")[0] for reason in waiting.quarantine] == ["other_product"]
    assert waiting.held_rate is None
    rates = [(line["old"], line["new"]) for line in run.examples if line["field"] == "rate"]
    assert rates == [("1.5 per 1,000", "0.01 per package")]
    # The price is still the old one, so neither page nor sheet puts the new cost beside it.
    listed = admin_client.get(reverse("admin:catalog_service_changelist"), {"margin": "50"})
    assert sold not in listed.context["cl"].result_list
    page = admin_client.get(reverse("admin:catalog_service_changelist"), {"q": str(sold.pk)}).content.decode()
    assert "99.5 %" not in page
    assert [cells[5] for cells in sheet_rows() if cells[0] == str(sold.pk)] == [""]
    # What is accepted is shown without the price of the other unit.
    own = Service.objects.filter(pk=sold.pk)
    own.update(own_price=Decimal("9.99"))
    act = {"action": "accept", "_selected_action": [waiting.pk], "index": "0"}
    CustomerPrice.objects.create(customer=User.objects.create_user("eve@example.com"), service=sold, price=Decimal(2))
    page = admin_client.get(reverse("admin:catalog_providerservice_change", args=[waiting.pk])).content.decode()
    assert "and 1 fixed price of a customer." in page
    listing = reverse("admin:catalog_providerservice_changelist")
    shown = admin_client.post(listing, act).context["preview"]
    assert [(e.old, e.new, e.is_per_package) for e in shown.shown] == [(None, Decimal("0.013"), True)]
    answer = admin_client.post(listing, {**act, "seen_prices": shown.digest}, follow=True)
    assert "The fixed price of 1 customer ended" in answer.content.decode()


def test_a_unit_that_changes_while_on_sale_makes_a_new_service(sold: Service) -> None:
    with transaction.atomic(), recording_changes_of([sold.pk], now=database_now()):
        ProviderService.objects.filter(pk=sold.source_id).update(unit="per_package")
        Service.objects.filter(pk=sold.pk).update(price=Decimal("9.99"))
    change = ServiceChange.objects.latest("id")
    assert (change.kind, change.old_price, change.new_price) == ("new", None, Decimal("9.99"))
    assert change.unit == "per_package"


def test_packages_are_sorted_apart_from_prices_per_thousand(panel: Panel, sync: Sync) -> None:
    package = {"type": "Package", "min": "1", "max": "1"}
    panel.lists([row(1, rate="3"), row(2, rate="2", **package), row(3, rate="1"), row(4, rate="0.5", **package)])
    sync()
    rows = list_services(PriceListQuery(sort="price")).rows
    assert [service.source.external_id for service in rows] == ["3", "1", "4", "2"]
