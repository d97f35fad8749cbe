"""Spoiled requests: no failure of ours, nothing of the provider, and no order without its charge.

`make test` sends 500 of them, `make gate` 5,000.
"""

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.db.models import Sum
from django.test import Client

from accounts.models import User
from billing.models import Hold
from billing.queries import balance_of
from catalog.models import Service
from orders.models import Order, Refill
from tests.api.cast import Panel
from tests.battery.counts import sized
from tests.pages.cast import Orders

pytestmark = pytest.mark.django_db

BODIES = sized(500, 5000, 20_000)
SECRETS = ("Alpha supply", "127.0.0.1:9", "Traceback", '1.43"', "psycopg", "upstream", "secret")
NASTY = (
    "", " ", "0", "-1", "1.5", "1e9", "99999999999999999999", "9" * 5000, "null", "true", "NaN", "\x00", "\ud7ff\uffff",
    "١٢٣", "１００", "' OR 1=1 --", "<script>", "%00", "a" * 3000, "x\ny\nz", "1,2,3", ",,,", "1" + ",1" * 150, "{}",
    "../../etc/passwd", "2104;DROP TABLE", "\u202e", "+100", "1_000", "0x10", "100 ", "\t100",
)  # fmt: skip
ACTIONS = ("services", "add", "status", "refill", "refill_status", "cancel", "balance", "createTicket", "ADD", "")
FIELDS = (
    "service", "link", "quantity", "runs", "interval", "comments", "usernames", "username", "answer_number", "order",
    "orders", "refill", "refills", "request_id", "min", "max", "delay", "key", "action", "orders[]", "comments[0]",
)  # fmt: skip


def spoiled(rng: random.Random, key: str, own: list[str]) -> dict[str, Any]:
    """A sensible call in which some fields are not."""
    body: dict[str, Any] = {"key": key, "action": rng.choice(ACTIONS), "link": "https://example.com/p/1"}
    body |= {"service": rng.choice(own), "quantity": str(rng.choice([100, 101, 250])), "order": rng.choice(own)}
    for _n in range(rng.randint(0, 4)):
        body[rng.choice(FIELDS)] = rng.choice(NASTY) if rng.random() < 0.7 else rng.choice(own)
    for name in rng.sample(sorted(body), k=rng.randint(0, 2)):
        if name != "key":
            body.pop(name)
    return body


def encoded(rng: random.Random, body: dict[str, Any]) -> tuple[bytes, str]:
    if rng.random() < 0.4:
        odd = [None, True, 1, 1.5, [1, "2"], {}, [[1]], 10**30, "x"]
        shown = {name: rng.choice(odd) if rng.random() < 0.1 else value for name, value in body.items()}
        raw, kind = json.dumps(shown).encode("utf-8", "surrogatepass"), "application/json"
    else:
        pairs = (f"{quote_plus(name)}={quote_plus(str(value))}" for name, value in body.items())
        raw, kind = "&".join(pairs).encode(), "application/x-www-form-urlencoded"
    if rng.random() < 0.15:
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes([rng.randrange(256)]) + raw[at + rng.randint(0, 3) :]
    if rng.random() < 0.05:
        kind = rng.choice(["", "text/plain", "application/json; charset=utf-16", "multipart/form-data", "image/png"])
    return raw, kind


@pytest.fixture
def own(orders: Orders, services: list[Service]) -> list[str]:
    """Numbers that mean something: services, orders in several states, a refill."""
    made = [orders.queued(), orders.in_doubt(), orders.completed(), orders.partial(remains=10)]
    refill = Refill.objects.create(order=orders.completed(), provider_id=services[0].source.provider_id)
    return [str(row.pk) for row in (*services, *made, refill)]


def requests(key: str, own: list[str]) -> Iterator[tuple[bytes, str]]:
    rng = random.Random(20261122)  # noqa: S311 - the same ones every time
    for _n in range(BODIES):
        yield encoded(rng, spoiled(rng, key, own))


def test_spoiled_requests(api: Panel, alice: User, own: list[str]) -> None:
    client = Client(raise_request_exception=True)
    kinds: dict[str, int] = {"error": 0, "answer": 0}
    for raw, kind in requests(api.key, own):
        answer = client.generic("POST", "/api/v2", raw, content_type=kind)
        assert answer.status_code == 200, raw
        said = json.loads(answer.content)
        kinds["error" if isinstance(said, dict) and "error" in said else "answer"] += 1
        text = answer.content.decode()
        assert not [word for word in SECRETS if word in text], (raw, text)
        assert api.key not in text
    assert min(kinds.values()) > BODIES / 50, kinds
    assert Order.objects.filter(source="api").count() > BODIES / 500
    every_order_is_paid_for(alice)


def every_order_is_paid_for(alice: User) -> None:
    orders = Order.objects.filter(customer=alice)
    held = dict(Hold.objects.values_list("reference", "charged"))
    assert all(order.charge > 0 for order in orders)
    assert all(held[order.reference] == order.charge > 0 for order in orders)
    sums = orders.aggregate(charged=Sum("charge"), refunded=Sum("refunded"))
    assert balance_of(alice) == 100 - sums["charged"] + sums["refunded"]
