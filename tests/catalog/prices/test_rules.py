"""Which rule makes a price, what a customer's group pays, and what follows when a rule changes."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.models import CustomerGroup, User
from catalog.models import Category, MarkupRule, Provider, Service
from catalog.prices.group_prices import price_for, show_prices
from catalog.prices.preview import preview
from catalog.prices.reprice import reprice_all
from catalog.shop.price_list import list_services
from catalog.shop.price_list_query import PriceListQuery
from core.clock import database_now
from orders.checkout.placement import quote
from tests.catalog.conftest import Sync
from tests.catalog.panel import Panel, row
from tests.catalog.rows import on_sale


def rule(name: str = "Rule", **terms: Any) -> MarkupRule:
    exact = {key: Decimal(value) for key, value in terms.items() if isinstance(value, str) and value[-1:].isdigit()}
    made = MarkupRule(name=name, **{**terms, **exact})
    made.full_clean()
    made.save()
    return made


def priced(**changes: Any) -> Decimal | None:
    """The price of the one service after everything was priced anew."""
    reprice_all(now=database_now())
    return Service.objects.get(**changes).price


@pytest.fixture
def sold(panel: Panel, sync: Sync) -> Service:
    panel.lists([row(1, rate="1")])
    sync()
    return Service.objects.get()


@pytest.fixture
def resellers(db: None) -> CustomerGroup:
    return CustomerGroup.objects.create(name="Resellers", percent=Decimal(-10))


def test_the_narrowest_rule_makes_the_price(sold: Service, provider: Provider) -> None:
    assert priced() == Decimal("1.3")
    for percent, scope in [
        (10, {}),
        (20, {"provider": provider}),
        (40, {"service_type": "default"}),
        (50, {"category": sold.category}),
        (60, {"service": sold}),
    ]:
        made = rule(f"{percent}", percent=Decimal(percent), **scope)
        assert priced() == 1 + Decimal(percent) / 100
        assert Service.objects.get().price_rule == made
    rule("other", percent="99", category=Category.objects.create(name="Elsewhere"))
    assert priced() == Decimal("1.6")


def test_an_inactive_or_deleted_rule_no_longer_applies(sold: Service) -> None:
    narrow = rule("narrow", percent="60", service=sold, is_active=False)
    wide = rule("wide", percent="10")
    assert priced() == Decimal("1.1")
    wide.delete()
    narrow.delete()
    assert priced() == Decimal("1.3")
    assert Service.objects.get().price_rule is None


def test_a_sync_prices_new_services_by_the_rules(panel: Panel, sync: Sync) -> None:
    made = rule(fixed="0.5", percent="10")
    panel.lists([row(1, rate="1")])
    sync()
    assert (on_sale()["1"].price, on_sale()["1"].price_rule) == (Decimal("1.6"), made)
    panel.lists([row(1, rate="2")])
    sync()
    assert on_sale()["1"].price == Decimal("2.7")


def test_an_own_price_holds_until_the_cost_exceeds_it(panel: Panel, sync: Sync, sold: Service) -> None:
    Service.objects.update(own_price=Decimal("1.99"))
    assert priced() == Decimal("1.99")
    panel.lists([row(1, rate="1.5")])
    sync()
    assert on_sale()["1"].price == Decimal("1.99")
    panel.lists([row(1, rate="2.5")])
    sync()
    assert on_sale()["1"].price == Decimal("2.5")


def test_a_groups_discount_stops_at_the_minimum_margin(sold: Service, resellers: CustomerGroup) -> None:
    rule(percent="100", minimum_margin="45")
    assert priced() == 2
    sold = Service.objects.select_related("source__provider").get()
    assert price_for(sold, None) == 2
    assert price_for(sold, resellers) == Decimal("1.81819")
    resellers.percent = Decimal("-5")
    assert price_for(sold, resellers) == Decimal("1.9")


def test_a_groups_own_rule_replaces_all_others(sold: Service, resellers: CustomerGroup) -> None:
    rule("narrow", percent="100", service=sold)
    rule("theirs", percent="15", group=resellers)
    assert priced() == 2
    sold = Service.objects.select_related("source__provider").get()
    assert price_for(sold, resellers) == Decimal("1.15")


def test_a_customer_sees_and_pays_the_prices_of_their_group(sold: Service, resellers: CustomerGroup) -> None:
    bob = User.objects.create_user("bob@example.com", group=resellers)
    fields = {"link": "https://example.com/p/1", "quantity": "1000"}
    assert quote(service_id=sold.pk, fields=fields, customer=bob).charge == Decimal("1.17")
    assert quote(service_id=sold.pk, fields=fields).charge == Decimal("1.3")
    assert list_services(PriceListQuery(), bob).prices == [Decimal("1.17")]
    assert list_services(PriceListQuery()).prices == [Decimal("1.3")]


def test_a_page_of_group_prices_takes_two_queries(
    sold: Service, resellers: CustomerGroup, django_assert_num_queries: Any
) -> None:
    shown = list(Service.objects.select_related("source__provider"))
    bob = User.objects.select_related("group").get(pk=User.objects.create_user("bob@example.com", group=resellers).pk)
    with django_assert_num_queries(2):
        show_prices(shown, bob)
    with django_assert_num_queries(0):
        show_prices(shown, None)


def test_a_rule_has_one_scope_and_is_unique_for_it(sold: Service, provider: Provider) -> None:
    with pytest.raises(ValidationError):
        rule(service=sold, provider=provider)
    rule("first", provider=provider)
    with pytest.raises(ValidationError):
        rule("second", provider=provider)
    rule("off", provider=provider, is_active=False)
    with pytest.raises(IntegrityError):
        MarkupRule.objects.create(name="third", provider=provider)


@pytest.mark.parametrize(
    "terms",
    [
        {"minimum_margin": "100"},
        {"percent": "-1"},
        {"rounding": "step"},
        {"rounding": "digits", "rounding_value": "2.5"},
        {"rounding": "digits", "rounding_value": "0"},
    ],
)
def test_invalid_rules_are_refused(terms: dict[str, Any], db: None) -> None:
    with pytest.raises(ValidationError):
        rule(**terms)


def test_a_new_rule_takes_the_same_queries_for_any_number_of_services(
    panel: Panel, sync: Sync, django_assert_num_queries: Any
) -> None:
    panel.lists(row(n, rate=f"{n / 1000}") for n in range(1, 301))
    sync()
    rule(percent="50", rounding="ending", rounding_value="0.99", minimum_margin="10")
    with django_assert_num_queries(11):
        assert reprice_all(now=database_now()) == 300
    assert reprice_all(now=database_now()) == 0


def test_a_preview_predicts_the_effect_and_writes_nothing(panel: Panel, sync: Sync) -> None:
    panel.lists([row(1, rate="1"), row(2, rate="2"), row(3, rate="3", type="Poll"), row(4, rate="0")])
    sync()
    found = preview(MarkupRule(name="New", percent=Decimal(10), service_type="default"))
    assert (found.covered, found.changed, found.cheaper, found.dearer, found.unchanged) == (2, 2, 2, 0, 1)
    assert [(e.old, e.new, e.name) for e in found.shown] == [
        (Decimal("1.3"), Decimal("1.1"), "Followers 1"),
        (Decimal("2.6"), Decimal("2.2"), "Followers 2"),
    ]
    assert found.lowest_margin is not None
    assert round(found.lowest_margin, 2) == Decimal("9.09")
    assert [s.price for s in on_sale().values()] == [Decimal("1.3"), Decimal("2.6"), Decimal("3.9")]
    made = rule("New", percent="10", service_type="default")
    assert preview(made).changed == 2
    reprice_all(now=database_now())
    assert preview(made).changed == 0


def test_a_preview_of_a_groups_rule_compares_the_groups_prices(sold: Service, resellers: CustomerGroup) -> None:
    (effect,) = preview(MarkupRule(name="Theirs", percent=Decimal(10), group=resellers)).shown
    assert (effect.old, effect.new) == (Decimal("1.17"), Decimal("1.1"))
