"""What a program reads when it orders again for a link that its own order is still open for."""

from typing import Any

import pytest

from accounts.models import User
from catalog.models import SameLink, Service
from orders.models import Order
from tests.api.cast import Panel, key_for

pytestmark = pytest.mark.django_db(transaction=True)
BUSY = {"error": "You have active order with this link. Please wait until order being completed."}


@pytest.fixture
def fields(services: list[Service]) -> dict[str, Any]:
    return {"service": services[0].pk, "link": "https://instagram.com/atelier.nord", "quantity": "1000"}


def test_a_refusing_service_says_it_in_the_known_words(
    api: Panel, bob: User, fields: dict[str, Any], services: list[Service]
) -> None:
    Service.objects.filter(pk=services[0].pk).update(own_same_link=SameLink.REFUSE)
    first = api("add", **fields, request_id="a")
    assert "order" in first
    assert api("add", **fields) == BUSY
    assert api("add", **fields, request_id="b") == BUSY
    assert api("add", **fields, request_id="a") == first, "a repeat is the first order"
    assert "order" in Panel(key_for(bob))("add", **fields), "another customer's order is nobody's business"
    assert Order.objects.count() == 2


def test_the_short_way_of_a_regular_caller_asks_too(
    api: Panel, fields: dict[str, Any], services: list[Service]
) -> None:
    assert "order" in api("add", **fields)
    assert "order" in api("add", **fields)
    Service.objects.filter(pk=services[0].pk).update(own_same_link=SameLink.REFUSE)
    assert api("add", **fields) == BUSY
    Service.objects.filter(pk=services[0].pk).update(own_same_link=SameLink.WAIT)
    waiting = api("add", **fields)["order"]
    assert Order.objects.get(pk=waiting).waits_for_id is not None
    assert api("status", order=waiting)["status"] == "Pending"
