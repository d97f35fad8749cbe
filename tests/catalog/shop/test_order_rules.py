"""The owner's texts in the order form: where each is shown, and that it harms no reader."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from catalog.models import OrderRules, Service
from catalog.shop.order_rules import rules_for
from core.models import StaffAction
from tests.pages.cast import stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def services(db: None) -> list[Service]:
    return stock()


def shown(service: Service) -> list[str]:
    found = Service.objects.select_related("source__provider", "category").get(pk=service.pk)
    return [text.removeprefix("<p>").removesuffix("</p>\n") for text in rules_for(found)]


def test_each_text_is_shown_where_it_fits(services: list[Service], django_assert_num_queries: Any) -> None:
    instagram, comments = services[0], services[4]
    texts: list[dict[str, Any]] = [
        {"text": "all"},
        {"text": "platform", "platform": "instagram"},
        {"text": "category", "category": instagram.category},
        {"text": "type", "type": "custom_comments"},
        {"text": "both", "platform": "instagram", "type": "custom_comments"},
        {"text": "neither", "platform": "tiktok", "type": "custom_comments"},
        {"text": "one", "service": comments},
    ]
    for n, columns in enumerate(texts):
        OrderRules.objects.create(position=n, **columns)
    assert shown(instagram) == ["all", "platform", "category"]
    assert shown(comments) == ["all", "platform", "type", "both", "one"]
    found = Service.objects.select_related("source__provider", "category").get(pk=instagram.pk)
    with django_assert_num_queries(1):
        rules_for(found)


def test_a_text_stands_beside_the_form_and_runs_nothing(client: Client, services: list[Service]) -> None:
    OrderRules.objects.create(text="Keep the profile **public**. <script>alert(1)</script> [x](javascript:alert(1))")
    html = client.get(f"/order/?service={services[0].pk}").content.decode()
    assert "Keep the profile <strong>public</strong>." in html
    assert "<script>alert" not in html
    assert 'href="javascript' not in html
    assert "Keep the profile" not in client.get("/order/").content.decode()


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"text": ""}, "order_rules_say_something"),
        ({"text": "x", "platform": "tiktok", "service_id": 1}, "order_rules_of_one_service"),
    ],
)
def test_the_database_refuses_what_fits_nowhere(
    services: list[Service], columns: dict[str, Any], constraint: str
) -> None:
    columns |= {"service_id": services[0].pk} if "service_id" in columns else {}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        OrderRules.objects.create(**columns)


def test_the_owner_writes_them_in_the_admin(admin_client: Client, services: list[Service]) -> None:
    add = "/admin/catalog/orderrules/add/"
    values = {
        "text": "Keep it public.",
        "position": "0",
        "platform": "instagram",
        "category": "",
        "type": "",
        "service": "",
    }
    assert admin_client.post(add, values).status_code == 302
    assert shown(services[0]) == ["Keep it public."]
    assert StaffAction.objects.filter(object_type="catalog.orderrules").exists()
    both = admin_client.post(add, {**values, "service": str(services[0].pk)}).content.decode()
    assert "With a service, leave category, platform and type empty." in both
    page = admin_client.get("/admin/catalog/orderrules/").content.decode()
    assert "Instagram" in page
