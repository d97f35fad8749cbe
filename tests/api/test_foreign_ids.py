"""Numbers of another customer in calls: the same answer, byte for byte, as for numbers of nobody."""

import json
import re
from typing import Any

import pytest
from django.db import transaction

from catalog.models import Service
from tests.api.cast import Panel, key_for
from tests.pages.cast import Orders, customer
from tests.pages.two_customers import FIRST, MARKERS, NOBODYS, SECOND, Zuleika, number_from, rows_of, zuleika

pytestmark = pytest.mark.django_db

HERS, NOBODY = str(FIRST), str(NOBODYS)


@pytest.fixture
def alice(services: list[Service], settings: Any) -> Zuleika:
    settings.DEMO = True  # the cast adds funds through its gateway
    return zuleika(services)


@pytest.fixture
def bobs(alice: Zuleika, services: list[Service]) -> Orders:
    number_from(SECOND)
    return Orders(customer("bob@example.com"), services[0])


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"order": "{}"}),
    ("status", {"order": "#{}"}),
    ("status", {"order": "0{}"}),
    ("status", {"orders": "{}"}),
    ("status", {"orders": "{},{bobs}"}),
    ("status", {"order": "{bobs},{}"}),
    ("status", {"orders[]": ["{bobs}", "{}"]}),
    ("status", {"orders": "[{}, {bobs}]"}),
    ("refill", {"order": "{}"}),
    ("refill", {"orders": "{},{bobs}"}),
    ("refill", {"order": "{}", "request_id": "one"}),
    ("refill_status", {"refill": "{}"}),
    ("refill_status", {"refills": "{},1"}),
    ("cancel", {"order": "{}"}),
    ("cancel", {"orders": "{},{bobs}"}),
    ("cancel", {"orders": "{}", "request_id": "one"}),
    ("add", {"service": "{}", "link": "https://instagram.com/a", "quantity": "100"}),
    ("unknown", {"order": "{}"}),
]


@pytest.mark.parametrize("as_json", [False, True])
def test_numbers_of_another_customer_are_numbers_of_nobody(alice: Zuleika, bobs: Orders, as_json: bool) -> None:
    order = bobs.completed()
    bob, before = Panel(key_for(bobs.who)), rows_of(alice.user)
    more: dict[str, Any] = {"content_type": "application/json"} if as_json else {}
    for action, fields in CALLS:
        answers = []
        for number in (HERS, NOBODY):
            filled = json.loads(json.dumps(fields).replace("{}", number).replace("{bobs}", str(order.pk)))
            body: Any = {"key": bob.key, "action": action, **filled}
            with transaction.atomic():
                answer = bob.client.post(bob.path, body, **more)
                transaction.set_rollback(True)  # what the first call did is not there for the second one
            assert [marker for marker in MARKERS.values() if marker in answer.content.decode().replace(HERS, "")] == []
            headers = {name: value for name, value in answer.items() if name != "X-Request-ID"}
            content = re.sub(rb'"refill":\d+', b'"refill":1', answer.content.replace(number.encode(), b"N"))
            answers.append((answer.status_code, headers, content))
        assert answers[0] == answers[1], (action, fields)
        assert b"error" in answers[0][2], (action, fields)
        assert rows_of(alice.user) == before, (action, fields)


def test_the_same_calls_with_her_own_key_find_them(alice: Zuleika) -> None:
    api = Panel(alice.key)
    assert api("status", order=HERS)["status"] == "Completed"
    assert api("status", orders=f"{HERS},1")[HERS]["status"] == "Completed"
    assert "error" not in api("refill_status", refill=HERS)


def test_a_request_id_of_another_customer_gives_an_answer_of_ones_own(alice: Zuleika, bobs: Orders) -> None:
    order, fields = bobs.completed(), {"service": bobs.service.pk, "link": "https://instagram.com/a", "quantity": 100}
    hers = Panel(alice.key)("add", **fields, request_id="cart")
    bobs_api = Panel(key_for(bobs.who))
    assert bobs_api("add", **fields, request_id="cart")["order"] not in (hers["order"], order.pk)
