"""The guide for a new provider: tested, read, seen with its prices, and opened; it goes on wherever it was left."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Provider, Service
from catalog.provider_settings import set_up
from catalog.shop.opening import hidden_categories
from catalog.sync.run import sync_provider
from core.clock import database_now
from core.models import StaffAction
from tests.catalog.conftest import Sync
from tests.catalog.panel import KEY, Panel, row
from tests.sign_in import sign_in_staff


@pytest.fixture
def owner(db: None) -> Client:
    return sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))


@pytest.fixture
def new(panel: Panel, provider: Provider, sync: Sync) -> Provider:
    """A second provider whose services nobody has seen, with the same list as the one that sells."""
    panel.lists([row(1, rate="1"), row(2, rate="2", category="Likes")])
    sync()
    return set_up("Northline", url=panel.url, key=KEY, new_services="hidden")[0]


def guide(provider: Provider) -> str:
    return reverse("admin:catalog_provider_open", args=[provider.pk])


def shown(owner: Client, provider: Provider) -> dict[str, str]:
    """What the forms of the page send of what it shows."""
    seen: dict[str, str] = owner.get(guide(provider)).context["seen"]
    return seen


@pytest.fixture
def read(owner: Client, new: Provider) -> Provider:
    """The second provider, tested and with its list read."""
    owner.post(reverse("admin:catalog_provider_open_test", args=[new.pk]))
    return Provider.objects.get(pk=new.pk)


def step(owner: Client, provider: Provider) -> str:
    return str(owner.get(guide(provider)).context["step"])


def test_the_guide_goes_on_where_it_was_left(owner: Client, new: Provider, panel: Panel) -> None:
    assert step(owner, new) == "test"
    listed = owner.get(reverse("admin:catalog_provider_changelist")).content.decode()
    assert f'href="{guide(new)}"' in listed
    owner.post(reverse("admin:catalog_provider_open_test", args=[new.pk]))
    elsewhere = sign_in_staff(User.objects.get(email="owner@example.com"))
    page = elsewhere.get(guide(new))
    assert page.context["step"] == "choose"
    html = page.content.decode()
    assert "Balance: 100.84292 USD." in html
    assert "2 services." in html
    assert KEY not in html
    assert [line["verdict"] for line in page.context["tested"]] == ["works", "works"]
    assert [category.doubles for category in page.context["categories"]] == [1, 1]
    assert (
        "Gulf has it: on sale as"
        in owner.get(f"{guide(new)}?category={page.context['categories'][0].id}").content.decode()
    )
    assert not Service.objects.filter(source__provider=new, is_visible=True).exists()


def test_a_failed_test_says_which_question_failed_and_reads_no_list(owner: Client, new: Provider, panel: Panel) -> None:
    for action in ("balance", "services"):
        panel.says(action, {"error": f"Invalid API key: <b>{KEY}</b>"})
    owner.post(reverse("admin:catalog_provider_open_test", args=[new.pk]))
    page = owner.get(guide(new))
    assert (page.context["step"], page.context["verdict"]) == ("test", "fails")
    assert "Does not work." in page.content.decode()
    assert KEY not in page.content.decode()
    assert not new.sync_runs.exists()


def test_an_account_without_money_works_with_one_thing_to_know(owner: Client, new: Provider, panel: Panel) -> None:
    panel.says("balance", {"balance": "0", "currency": "USD"})
    owner.post(reverse("admin:catalog_provider_open_test", args=[new.pk]))
    page = owner.get(guide(new))
    assert [line["verdict"] for line in page.context["tested"]] == ["note", "works"]
    assert "There is no money in the account." in page.content.decode()


def test_the_markup_is_set_while_nothing_is_on_sale(owner: Client, new: Provider) -> None:
    owner.post(reverse("admin:catalog_provider_open_test", args=[new.pk]))
    mine = Service.objects.filter(source__provider=new).order_by("source__external_id")
    for bad in ("", "-1", "many"):
        owner.post(guide(new), {"what": "markup", "markup": bad})
        assert mine[0].price == Decimal("1.3")
    owner.post(guide(new), {"what": "markup", "markup": "45"})
    assert [service.price for service in mine] == [Decimal("1.45"), Decimal("2.9")]
    assert StaffAction.objects.filter(action="provider.markup").count() == 1
    owner.post(guide(new), {"what": "all", "doubles": "open", **shown(owner, new)})
    assert mine.filter(is_visible=True).count() == 2
    refused = owner.post(guide(new), {"what": "markup", "markup": "90"}, follow=True)
    assert "Some of its services are on sale." in refused.content.decode()
    assert mine[0].price == Decimal("1.45")


@pytest.mark.parametrize("chosen", [{"what": "all"}, {"what": "chosen"}, {"what": "services"}])
def test_services_that_came_after_the_page_was_shown_are_not_opened(
    owner: Client, read: Provider, panel: Panel, chosen: dict[str, str]
) -> None:
    seen, mine = shown(owner, read), Service.objects.filter(source__provider=read)
    category = mine.get(source__external_id="2").category
    panel.lists([row(1, rate="1"), *(row(n, rate="2", category="Likes") for n in range(2, 6))])
    sync_provider(read, now=database_now())
    form = {**chosen, "category": category.pk, "service": list(mine.values_list("pk", flat=True)), "doubles": "open"}
    answer = owner.post(guide(read), {**form, **seen}, follow=True)
    assert not mine.filter(is_visible=True).exists()
    assert not StaffAction.objects.filter(action="provider.open").exists()
    words = answer.content.decode()
    assert "Services or prices have changed since this page was shown, so nothing was opened." in words
    assert "New or changed: <bdi>Likes</bdi>. Check the prices below, choose again, and open." in words
    owner.post(guide(read), {**form, **answer.context["seen"]})
    assert mine.filter(is_visible=True).count() == (4 if chosen["what"] == "chosen" else 5)


def test_services_are_opened_at_the_prices_that_were_shown_or_not_at_all(owner: Client, read: Provider) -> None:
    seen, mine = shown(owner, read), Service.objects.filter(source__provider=read, is_visible=True)
    owner.post(guide(read), {"what": "markup", "markup": "45"})
    form = {"what": "all", "doubles": "open"}
    for stale in (seen, {}, {"seen_prices": "made up"}):
        assert "so nothing was opened." in owner.post(guide(read), {**form, **stale}, follow=True).content.decode()
        assert not mine.exists()
    owner.post(guide(read), {**form, **shown(owner, read)})
    assert {service.price for service in mine} == {Decimal("1.45"), Decimal("2.9")}


def test_what_is_no_double_any_more_is_not_opened_unseen(owner: Client, read: Provider) -> None:
    seen = shown(owner, read)
    Service.objects.exclude(source__provider=read).update(is_visible=False)
    owner.post(guide(read), {"what": "all", **seen})
    assert not Service.objects.filter(is_visible=True).exists()


def test_only_the_session_that_was_shown_the_page_opens(owner: Client, read: Provider) -> None:
    elsewhere = sign_in_staff(User.objects.get(email="owner@example.com"))
    elsewhere.post(guide(read), {"what": "all", "doubles": "open", **shown(owner, read)})
    assert not Service.objects.filter(source__provider=read, is_visible=True).exists()


def test_hidden_services_are_read_once(read: Provider, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        assert [category.count for category in hidden_categories(read)] == [1, 1]
