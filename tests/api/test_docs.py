"""The page that explains the API: readable by anybody, and every sample on it runs as printed."""

import ast
import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.models import User
from api.docs.reference import TOPICS
from orders.models import Order, Refill
from tests.api.cast import Panel, key_for
from tests.pages.cast import Orders

_SAMPLE = re.compile(r'<pre[^>]*data-sample="(\w+) (\w+)"[^>]*>(.*?)</pre>', re.DOTALL)
RUN: dict[str, tuple[str, str, list[str]]] = {
    "curl": ("curl", "sample.sh", ["sh", "-e"]),
    "php": ("php", "sample.php", ["php"]),
    "python": ("python3", "sample.py", [sys.executable]),
    "node": ("node", "sample.mjs", ["node"]),
}


def printed(page: str) -> dict[tuple[str, str], str]:
    return {(action, language): html.unescape(code) for action, language, code in _SAMPLE.findall(page)}


def read(language: str, out: str) -> Any:
    """What a sample printed, each language in its own way of printing; only a list's length is of interest."""
    match language:
        case "curl":
            return json.loads(out)
        case "python":
            return ast.literal_eval(out)
        case _:
            return out


@pytest.fixture
def sold(orders: Orders) -> Orders:
    """Alice has a finished order with a refill, and one that still waits."""
    Refill.objects.create(order=orders.completed(), provider_id=orders.service.source.provider_id)
    orders.completed()
    orders.queued()
    return orders


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", RUN)
def test_every_printed_sample_runs(
    live_server: Any, settings: Any, sold: Orders, alice: User, client: Client, tmp_path: Path, language: str
) -> None:
    program, name, command = RUN[language]
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")
    settings.SHOP_URL = live_server.url
    client.force_login(alice)
    samples = printed(client.get("/api/").content.decode())
    env = {**os.environ, "API_KEY": key_for(alice), "NO_PROXY": "*"}
    for topic in TOPICS:
        script = tmp_path / name
        script.write_text(samples[topic.name, language])
        done = subprocess.run([*command, str(script)], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stdout, (topic.name, done.stdout)
        assert read(language, done.stdout), topic.name
    newest = Order.objects.order_by("-id").first()
    assert newest is not None
    assert (newest.source, newest.link) == ("api", "https://instagram.com/atelier.nord")


def test_a_visitor_reads_the_page_with_made_up_numbers(client: Client, db: None) -> None:
    page = client.get("/api/").content.decode()
    samples = printed(page)
    assert len(samples) == len(TOPICS) * len(RUN)
    assert "order=48224" in samples["status", "curl"]
    assert all("API_KEY" in code for code in samples.values())
    for word in ("Web Traffic", "Custom Comments Package", "Not enough funds on balance", "openapi.json"):
        assert word in page


def test_a_customer_sees_own_numbers_and_nobody_elses(client: Client, sold: Orders, alice: User, bob: User) -> None:
    newest = Order.objects.latest("id")
    client.force_login(alice)
    assert f"order={newest.pk}" in printed(client.get("/api/").content.decode())["status", "curl"]
    client.force_login(bob)
    shown = printed(client.get("/api/").content.decode())["status", "curl"]
    assert str(newest.pk) not in re.findall(r"\d+", shown)


class Described:
    """The OpenAPI file, asked whether something may be sent or answered."""

    def __init__(self, client: Client) -> None:
        self.file = client.get("/api/v2/openapi.json").json()

    def allows(self, schema: dict[str, Any], value: Any) -> bool:
        return bool(Draft202012Validator({**schema, "components": self.file["components"]}).is_valid(value))

    def answer(self, value: Any) -> bool:
        responses = self.file["paths"]["/api/v2"]["post"]["responses"]
        return self.allows(responses["200"]["content"]["application/json"]["schema"], value)

    def call(self, value: Any) -> bool:
        body = self.file["paths"]["/api/v2"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return self.allows(body, value)


@pytest.mark.django_db
def test_the_openapi_file_describes_what_is_really_answered(client: Client, sold: Orders, api: Panel) -> None:
    described = Described(client)
    assert described.file["openapi"].startswith("3.1")
    for schema in described.file["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    one, refill = Order.objects.latest("id").pk, Refill.objects.get().pk
    calls: list[dict[str, Any]] = [
        {"action": "services"},
        {"action": "add", "service": sold.service.pk, "link": "https://example.com/x", "quantity": 100},
        {"action": "add", "service": "5"},
        {"action": "status", "order": one},
        {"action": "status", "orders": f"{one},7"},
        {"action": "refill", "order": one},
        {"action": "refill", "orders": f"{one},7"},
        {"action": "refill_status", "refill": refill},
        {"action": "refill_status", "refills": f"{refill},777777"},
        {"action": "cancel", "orders": f"{one},7"},
        {"action": "balance"},
    ]
    for call in calls:
        assert described.call({"key": "k", **call}), call
        answer = api(**call)
        assert described.answer(answer), (call, answer)
    assert not described.call({"key": "k", "action": "nothing"})
    assert not described.answer({"order": "many"})


@pytest.mark.django_db(transaction=True)
def test_the_page_is_accessible_and_shows_one_language_at_a_time(
    live_server: Any, quiet_page: Any, sold: Orders, axe: Callable[[Any], list[str]]
) -> None:
    quiet_page.goto(f"{live_server.url}/api/")
    add = quiet_page.locator("#add .codetabs")
    assert add.locator("pre:visible").count() == 1
    assert add.locator("button:visible").count() == 1
    add.get_by_text("Node", exact=True).click()
    assert "fetch(" in add.locator("pre:visible").inner_text()
    assert add.locator("button:visible").count() == 1
    assert axe(quiet_page) == []
    quiet_page.set_viewport_size({"width": 320, "height": 800})
    assert quiet_page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
