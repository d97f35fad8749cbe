"""Pages of the owner: who reads them, where the menu shows them, and the texts that they start from."""

import re
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from core.models import StaffAction
from core.shop_settings import shop_settings
from pages.models import LONGEST, OwnPage
from pages.starting_texts import STARTING_TEXTS, first_values, spoken
from tests.billing.topups.cast import method
from tests.pages.cast import customer
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client) -> Client:
    staff = Client()
    sign_in_staff(User.objects.create_superuser("owner@example.com", "owner-password"), staff)
    return staff


def page(slug: str, **fields: Any) -> OwnPage:
    values = {"title": slug.title(), "body": f"All about **{slug}**.", "is_published": True, **fields}
    return OwnPage.objects.create(slug=slug, **values)


def test_a_published_page_is_read_by_everybody(client: Client) -> None:
    page("shipping", title="How <it> works")
    html = client.get("/pages/shipping/").content.decode()
    assert "All about <strong>shipping</strong>." in html
    assert "<h1" in html
    assert "How &lt;it&gt; works" in html
    client.force_login(customer())
    assert "All about <strong>shipping</strong>." in client.get("/pages/shipping/").content.decode()


def test_only_staff_see_a_page_that_is_not_published(client: Client, owner: Client) -> None:
    page("draft", is_published=False)
    assert client.get("/pages/draft/").status_code == 404
    client.force_login(customer())
    assert client.get("/pages/draft/").status_code == 404
    assert client.get("/pages/draft/?preview").status_code == 404
    assert "it is not published" in owner.get("/pages/draft/").content.decode()


def test_the_menu_has_published_pages_in_the_owners_order(client: Client) -> None:
    for slug, place, position in (("late", "rules", 9), ("early", "rules", 1), ("top", "head", 1), ("none", "", 1)):
        page(slug, place=place, position=position)
    page("hidden", is_published=False, place="rules")
    visitor = client.get("/").content.decode()
    client.force_login(customer())
    for html in (visitor, client.get("/").content.decode()):
        shown = re.findall(r'href="/pages/(\w+)/"', html)
        assert set(shown) == {"top", "early", "late"}
        assert shown.index("early") < shown.index("late")


def test_a_column_without_pages_is_left_out(client: Client) -> None:
    assert "foot-rules" not in client.get("/").content.decode()
    page("rules", place="rules")
    assert "foot-rules" in client.get("/").content.decode()


def test_a_part_of_the_menu_takes_few_pages(owner: Client) -> None:
    for n in range(3):
        page(f"p{n}", place="head")
    fields = {"title": "Four", "slug": "four", "body": "x", "place": "head", "position": "1", "is_published": "on"}
    answer = owner.post("/admin/pages/ownpage/add/", fields)
    assert "has 3 pages already" in answer.content.decode()
    assert owner.post("/admin/pages/ownpage/add/", {**fields, "place": ""}).status_code == 302
    assert StaffAction.objects.filter(action="ownpage.add", object_name="Four").exists()


def test_a_text_is_bounded(owner: Client) -> None:
    fields = {"title": "Big", "slug": "big", "body": "x" * (LONGEST + 1), "place": "", "position": "1"}
    assert owner.post("/admin/pages/ownpage/add/", fields).status_code == 200
    with pytest.raises(IntegrityError, match="own_page_bounded"), transaction.atomic():
        page("big", body="x" * (LONGEST + 1))


def test_one_page_holds_the_terms() -> None:
    page("terms", is_terms=True)
    with pytest.raises(IntegrityError, match="own_page_one_of_terms"), transaction.atomic():
        page("others", is_terms=True)


def test_texts_to_start_from_are_made_of_the_settings(settings: Any) -> None:
    settings.FAILED_GRACE_SECONDS, settings.PATIENCE_SECONDS = 7200, 3 * 86400
    settings.REFILL_DOUBT_SECONDS, settings.DOUBT_REFUND_SECONDS = 1800, 18 * 3600
    text = str(first_values("refunds", shop_settings())["body"])
    assert "After 2 hours, if the supplier does not deliver" in text
    assert "after 3 days of trying" in text
    assert "within 30 minutes is closed" in text
    assert "After 18 hours at the latest" in text
    settings.DOUBT_REFUND_SECONDS = 0
    assert "When we have found out" in str(first_values("refunds", shop_settings())["body"])
    settings.SHOP_CURRENCY = "EUR"
    assert "Prices are in EUR." in str(first_values("terms", shop_settings())["body"])
    assert first_values("undefined", shop_settings()) == {}
    # Who sees a payment depends on the methods that are on.
    assert "payment company" not in str(first_values("privacy", shop_settings())["body"])
    for gateway, is_on in (("nowpayments", True), ("manual", True), ("cryptomus", False)):
        method(gateway, is_on=is_on)
    assert "payment company that you choose (NOWPayments) gets" in str(first_values("privacy", shop_settings())["body"])
    assert [spoken(each) for each in (1, 60, 3600, 5400, 86400, 172800)] == [
        "1 minute", "1 minute", "1 hour", "90 minutes", "24 hours", "2 days",
    ]  # fmt: skip


@pytest.mark.parametrize("start", STARTING_TEXTS, ids=lambda start: start.slug)
def test_the_owner_starts_from_a_text_reads_it_and_saves_it(owner: Client, client: Client, start: Any) -> None:
    address = f"/admin/pages/ownpage/add/?start={start.slug}"
    assert address in owner.get("/admin/pages/ownpage/").content.decode()
    form = owner.get(address)
    assert "Let a lawyer" in form.content.decode()
    values = form.context["adminform"].form.initial
    assert "  " not in values["body"].replace("\n", "")
    sent = {name: value for name, value in values.items() if value is not False}
    assert owner.post("/admin/pages/ownpage/add/", sent).status_code == 302
    assert start.slug not in re.findall(r"\?start=(\w+)", owner.get("/admin/pages/ownpage/").content.decode())
    html = owner.get(f"/pages/{start.slug}/").content.decode()
    assert str(start.title) in html
    assert "{" not in values["body"]
    assert client.get(f"/pages/{start.slug}/").status_code == 404
