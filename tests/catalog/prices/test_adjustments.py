"""Prices of many services raised or lowered by a percentage, as one change that can be undone."""

from decimal import Decimal
from xml.etree import ElementTree  # noqa: S405 - the feed is our own

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.models import CustomerGroup, User
from catalog.models import AdjustedService, Category, MarkupRule, PriceAdjustment, Provider, Service, ServiceChange
from catalog.prices.adjustments import NotAdjustable, adjust, undo
from catalog.prices.group_prices import price_for
from catalog.prices.reprice import reprice_all, save_rule
from catalog.provider_settings import set_up
from core.clock import database_now
from core.models import StaffAction
from tests.catalog.conftest import Sync
from tests.catalog.panel import KEY, Panel, row
from tests.catalog.rows import on_sale
from tests.sign_in import sign_in_staff

ADD, LIST = "admin:catalog_priceadjustment_add", "admin:catalog_priceadjustment_changelist"
CHANGE, SERVICES = "admin:catalog_priceadjustment_change", "admin:catalog_service_changelist"


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


@pytest.fixture
def sold(panel: Panel, sync: Sync) -> None:
    """Services at cost 1, 2 and 3, sold at 1.30, 2.60 and 3.90; the third in a category of its own."""
    panel.lists([row(1, rate="1"), row(2, rate="2"), row(3, rate="3", category="Likes")])
    sync()


def raised(percent: str, *ids: str) -> PriceAdjustment:
    chosen = [on_sale()[number].pk for number in ids or "123"]
    return adjust(chosen, Decimal(percent), name="Some", by="owner", now=database_now()).adjustment


def prices() -> list[Decimal | None]:
    found = on_sale()
    return [found[number].price for number in sorted(found)]


def test_an_adjustment_multiplies_what_the_rules_give_and_follows_the_cost(
    panel: Panel, sync: Sync, sold: None
) -> None:
    raised("5", "1", "2")
    assert prices() == [Decimal("1.365"), Decimal("2.73"), Decimal("3.9")]
    panel.lists([row(1, rate="1.5"), row(2, rate="2"), row(3, rate="3", category="Likes")])
    sync()
    assert prices() == [Decimal("2.0475"), Decimal("2.73"), Decimal("3.9")]
    set_up("Gulf", url=panel.url, key=KEY, markup_percent=Decimal(100))
    assert prices() == [Decimal("3.15"), Decimal("4.2"), Decimal(6)]
    reprice_all(now=database_now())
    assert prices() == [Decimal("3.15"), Decimal("4.2"), Decimal(6)]


def test_two_adjustments_multiply_and_each_is_undone_by_itself(sold: None) -> None:
    first, second = raised("10"), raised("-5", "1")
    assert prices() == [Decimal("1.3585"), Decimal("2.86"), Decimal("4.29")]
    assert undo(first.pk, by="owner", now=database_now()) is not None
    assert prices() == [Decimal("1.235"), Decimal("2.6"), Decimal("3.9")]
    undo(second.pk, by="owner", now=database_now())
    assert prices() == [Decimal("1.3"), Decimal("2.6"), Decimal("3.9")]
    assert undo(second.pk, by="owner", now=database_now()) is None


def test_an_adjustment_is_applied_before_rounding_and_never_below_cost_or_minimum_margin(sold: None) -> None:
    rule = MarkupRule(name="All", percent=Decimal(30), rounding="ending", rounding_value=Decimal("0.99"))
    save_rule(rule, now=database_now())
    raised("60", "1")
    assert prices()[0] == Decimal("2.99")  # 2.08, and not 1.99 × 1.6
    raised("-90", "2")
    assert prices()[1] == Decimal("2.99")  # 0.26 is below the cost of 2
    rule.minimum_margin, rule.rounding, rule.rounding_value = Decimal(20), "none", Decimal(0)
    save_rule(rule, now=database_now())
    assert prices()[1] == Decimal("2.5")


def test_an_own_price_stays_until_it_is_taken_away(sold: None) -> None:
    Service.objects.filter(source__external_id="1").update(own_price=Decimal("1.99"))
    reprice_all(now=database_now())
    raised("10")
    assert prices() == [Decimal("1.99"), Decimal("2.86"), Decimal("4.29")]
    Service.objects.update(own_price=None)
    reprice_all(now=database_now())
    assert prices()[0] == Decimal("1.43")


def test_groups_pay_the_adjusted_price_too(sold: None) -> None:
    friends = CustomerGroup.objects.create(name="Friends", percent=Decimal(-10))
    resellers = CustomerGroup.objects.create(name="Resellers", percent=Decimal(0))
    MarkupRule.objects.create(name="Wholesale", group=resellers, percent=Decimal(20))
    raised("5", "1")
    service = on_sale()["1"]
    assert price_for(service, friends) == Decimal("1.2285")
    assert price_for(service, resellers) == Decimal("1.26")


@pytest.mark.parametrize("percent", ["0", "-91", "1000.01", "0.001"])
def test_a_percentage_that_makes_no_sense_is_refused(sold: None, percent: str) -> None:
    with pytest.raises(NotAdjustable, match="at most two places"):
        raised(percent)
    assert not PriceAdjustment.objects.exists()


def test_adjustments_together_have_bounds(sold: None) -> None:
    raised("1000")
    raised("1000")
    with pytest.raises(NotAdjustable, match="With other adjustments"):
        raised("1000")
    assert PriceAdjustment.objects.count() == 2
    assert prices()[0] == Decimal("157.3")


@pytest.mark.parametrize("factor", ["0.09", "11.01", "0", "-1"])
def test_a_bad_own_factor_is_refused_by_the_database(sold: None, factor: str) -> None:
    raised("5")
    with pytest.raises(IntegrityError, match="adjusted_factor_sane"):
        AdjustedService.objects.update(factor=Decimal(factor))


def test_customers_read_one_update(sold: None, client: Client) -> None:
    made = raised("5", "1", "2")
    change = ServiceChange.objects.get()
    assert (change.kind, change.count, change.percent) == ("dearer", 2, Decimal(5))
    html = client.get(reverse("catalog:updates")).content.decode()
    assert "2 services dearer by 5%" in html
    assert "<bdi>Instagram Followers</bdi>" in html
    undo(made.pk, by="owner", now=database_now())
    for name in ("updates_rss", "updates_atom"):
        read = ElementTree.fromstring(client.get(reverse(f"catalog:{name}")).content)  # noqa: S314
        titles = [node.text for node in read.iter() if node.tag.endswith("title")]
        assert titles[-2:] == [
            "Cheaper: 2 services of Instagram Followers: prices down 4.76 %",
            "Dearer: 2 services of Instagram Followers: prices up 5 %",
        ]
    raised("5", "2", "3")
    assert "2 services dearer by 5%" in client.get(reverse("catalog:updates")).content.decode()
    Category.objects.update(is_visible=False)
    assert "Instagram" not in client.get(reverse("catalog:updates")).content.decode()


def test_what_nobody_can_buy_is_no_update(sold: None) -> None:
    Service.objects.update(is_visible=False)
    chosen = list(Service.objects.values_list("pk", flat=True))
    assert adjust(chosen, Decimal(5), name="All", by="owner", now=database_now()).changed == 3
    assert not ServiceChange.objects.exists()


def test_the_owner_raises_a_category_after_a_preview_and_undoes_it(owner: Client, sold: None) -> None:
    friends = CustomerGroup.objects.create(name="Friends", percent=Decimal(-10))
    Service.objects.filter(source__external_id="2").update(own_price=Decimal("2.6"))
    form = {"category": Category.objects.get(name="Instagram Followers").pk, "percent": "+5"}
    page = owner.post(reverse(ADD), form)
    shown = page.context["preview"]
    assert [(e.old, e.new) for e in shown.shown] == [(Decimal("1.3"), Decimal("1.365"))]
    assert shown.notes == [
        "2 services: Instagram Followers: +5 %",
        "1 service has its own price and keeps it.",
        f"Lowest margin for customers of {friends.name}: 14.5 %",
    ]
    assert "Change 1 price" in page.content.decode()
    assert not PriceAdjustment.objects.exists()

    unsaid = owner.post(reverse(ADD), {**form, "seen_prices": shown.digest, "reason": " "})
    assert "Say why" in unsaid.content.decode()
    assert not PriceAdjustment.objects.exists()
    answer = owner.post(reverse(ADD), {**form, "seen_prices": shown.digest, "reason": "Dearer dollar"})
    made = PriceAdjustment.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse(CHANGE, args=[made.pk]))
    assert made.reason == StaffAction.objects.get(action="prices.adjust").reason == "Dearer dollar"
    assert (made.name, made.factor, made.by) == ("Instagram Followers", Decimal("1.05"), "owner@example.com")
    assert StaffAction.objects.get(action="prices.adjust").after["percent"] == "+5 %"
    assert "Instagram Followers" in owner.get(reverse(LIST)).content.decode()
    listed = owner.get(reverse("admin:catalog_service_changelist"), {"adjustment": made.pk})
    assert listed.context["cl"].result_count == 2
    assert "30 % × 1.05" in listed.content.decode()

    undoing = reverse("admin:catalog_priceadjustment_undo", args=[made.pk])
    shown = owner.post(undoing).context["preview"]
    assert [(e.old, e.new) for e in shown.shown] == [(Decimal("1.365"), Decimal("1.3"))]
    assert PriceAdjustment.objects.filter(undone_at=None).exists()
    owner.post(undoing, {"seen_prices": shown.digest, "reason": "Too dear"})
    made.refresh_from_db()
    assert (made.undone_by, prices()[0]) == ("owner@example.com", Decimal("1.3"))
    assert StaffAction.objects.filter(action="prices.undo").count() == 1
    assert owner.get(reverse("admin:catalog_priceadjustment_change", args=[made.pk])).status_code == 200


def test_a_price_that_leaves_too_little_is_lifted_and_undone_with_the_others(
    owner: Client, panel: Panel, sync: Sync, sold: None
) -> None:
    form = {"percent": "-20", "floor": "10"}
    page = owner.post(reverse(ADD), form)
    shown = page.context["preview"]
    assert (shown.too_low, [e.needed for e in shown.shown]) == (
        3,
        [Decimal("1.11112"), Decimal("2.22223"), Decimal("3.33334")],
    )
    first = on_sale()["1"]
    assert f'value="{first.pk}"' in page.content.decode().split('form="lift"')[1]
    lifted = owner.post(reverse(ADD), {**form, "lift": first.pk})
    assert not lifted.context["is_other"]
    seen = lifted.context["preview"]
    assert (seen.too_low, seen.notes[1]) == (2, "1 service gets the price that leaves a margin of 10 %.")
    owner.post(reverse(ADD), {**form, "lift": first.pk, "seen_prices": seen.digest, "reason": "Sale"})
    made = PriceAdjustment.objects.get()
    assert prices() == [Decimal("1.11124"), Decimal("2.08"), Decimal("3.12")]
    panel.lists([row(1, rate="2"), row(2, rate="2"), row(3, rate="3", category="Likes")])
    sync()
    assert prices()[0] == Decimal("2.22248")  # it follows the cost like the others
    undo(made.pk, by="owner", now=database_now())
    assert prices() == [Decimal("2.6"), Decimal("2.6"), Decimal("3.9")]


def test_the_filter_of_the_list_is_the_filter_of_the_change(owner: Client, sold: None) -> None:
    likes, provider = Category.objects.get(name="Likes"), Provider.objects.get()
    filters = {"category": likes.pk, "source__provider__id__exact": provider.pk, "source__type": "default", "q": "3"}
    listed = owner.get(reverse(SERVICES), filters).content.decode()
    assert f"{reverse(ADD)}?category={likes.pk}&amp;source__provider__id__exact={provider.pk}" in listed
    form = owner.get(reverse(ADD), filters).context["form"]
    assert (form["provider"].value(), form["type"].value(), form["q"].value()) == (str(provider.pk), "default", "3")
    same = {"category": likes.pk, "provider": provider.pk, "type": "default", "q": "Followers", "percent": "5"}
    preview = owner.post(reverse(ADD), {**same, "state": "sale", "margin": "10-25"}).context["preview"]
    assert preview.notes == [f"1 service: Likes, {provider}, default, “Followers”, On sale, Margin: 10 to 25 %: +5 %"]
    assert owner.post(reverse(ADD), {**same, "state": "gone"}).context["form"].errors == {}
    assert not PriceAdjustment.objects.exists()


def test_a_change_since_the_preview_is_shown_and_nothing_is_saved(
    owner: Client, panel: Panel, sync: Sync, sold: None
) -> None:
    form = {"percent": "5"}
    seen = owner.post(reverse(ADD), form).context["preview"].digest
    panel.lists([row(1, rate="1.1"), row(2, rate="2"), row(3, rate="3", category="Likes")])
    sync()
    page = owner.post(reverse(ADD), {**form, "seen_prices": seen})
    assert "have changed since the preview" in page.content.decode()
    assert not PriceAdjustment.objects.exists()
    other = owner.post(reverse(ADD), {"percent": "6", "seen_prices": page.context["preview"].digest})
    assert "have changed since the preview" in other.content.decode()


def test_chosen_services_are_raised_from_the_list(owner: Client, sold: None) -> None:
    listing = reverse("admin:catalog_service_changelist")
    chosen = [on_sale()[number].pk for number in "13"]
    act = {"action": "change_prices", "_selected_action": chosen, "index": "0", "percent": "-2.5"}
    shown = owner.post(listing, act).context["preview"]
    assert shown.changed == 2
    answer = owner.post(listing, {**act, "seen_prices": shown.digest, "reason": "Sale"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == ["2 prices changed."]
    assert prices() == [Decimal("1.2675"), Decimal("2.6"), Decimal("3.8025")]
    assert PriceAdjustment.objects.get().name == "2 services"


def test_prices_typed_into_the_list_are_previewed_if_there_are_several(owner: Client, sold: None) -> None:
    first, second = on_sale()["1"], on_sale()["2"]
    form = {
        "form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "2", "_save": "Save",
        "form-0-id": str(first.pk), "form-0-is_visible": "on", "form-0-own_price": "1.75", "form-0-position": "0",
        "form-1-id": str(second.pk), "form-1-is_visible": "on", "form-1-own_price": "0.1", "form-1-position": "1",
    }  # fmt: skip
    address = f"{reverse('admin:catalog_service_changelist')}?category={first.category_id}"
    shown = owner.post(address, form).context["preview"]
    assert [(e.old, e.new) for e in shown.shown] == [
        (Decimal("2.6"), Decimal(2)),
        (Decimal("1.3"), Decimal("1.75")),
    ]
    assert not Service.objects.exclude(own_price=None).exists()
    owner.post(address, {**form, "seen_prices": shown.digest})
    assert prices()[:2] == [Decimal("1.75"), Decimal(2)]


def test_a_move_into_a_category_with_a_rule_is_previewed(owner: Client, sold: None) -> None:
    likes = Category.objects.get(name="Likes")
    MarkupRule.objects.create(name="Likes", category=likes, percent=Decimal(100))
    reprice_all(now=database_now())
    act = {
        "action": "change_category", "_selected_action": [on_sale()[n].pk for n in "12"], "index": "0",
        "to_category": likes.pk,
    }  # fmt: skip
    listing = reverse("admin:catalog_service_changelist")
    shown = owner.post(listing, act).context["preview"]
    assert prices() == [Decimal("1.3"), Decimal("2.6"), Decimal(6)]
    owner.post(listing, {**act, "seen_prices": shown.digest})
    assert prices() == [Decimal(2), Decimal(4), Decimal(6)]


def test_a_fall_is_passed_on_after_a_preview(owner: Client, panel: Panel, sync: Sync, sold: None) -> None:
    Provider.objects.update(holds_falls=True)
    panel.lists([row(1, rate="0.5"), row(2, rate="1"), row(3, rate="3", category="Likes")])
    sync()
    assert prices()[:2] == [Decimal("1.3"), Decimal("2.6")]
    held = [on_sale()[n].source_id for n in "12"]
    act = {"action": "pass_on", "_selected_action": held, "index": "0"}
    listing = reverse("admin:catalog_providerservice_changelist")
    shown = owner.post(listing, act).context["preview"]
    assert prices()[:2] == [Decimal("1.3"), Decimal("2.6")]
    owner.post(listing, {**act, "seen_prices": shown.digest})
    assert prices()[:2] == [Decimal("0.65"), Decimal("1.3")]


def test_only_staff_with_the_right_change_prices(owner: Client, sold: None) -> None:
    made = raised("5")
    clerk = sign_in_staff(User.objects.create_user("clerk@example.com", is_staff=True))
    assert clerk.get(reverse(ADD)).status_code == 403
    assert clerk.post(reverse(ADD), {"percent": "5"}).status_code == 403
    assert clerk.post(reverse("admin:catalog_priceadjustment_undo", args=[made.pk])).status_code == 403
    assert owner.get(reverse("admin:catalog_priceadjustment_undo", args=[made.pk])).status_code == 405
    assert owner.post(reverse("admin:catalog_priceadjustment_undo", args=[10**15])).status_code == 302
    assert AdjustedService.objects.count() == 3
