"""What /healthz and /readyz say while everything, or not everything, is there."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django.fixtures import Settings

from core.clock import database_now
from notices import causes
from notices.alerts import raise_alert
from notices.heartbeats import beat
from storefront import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health._state, "migrated", False)


def test_a_process_that_serves_is_healthy_whatever_else_is_missing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_migrated", _no_database)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_ready_with_database_redis_and_a_fresh_sweep(client: Client) -> None:
    beat("sweep", now=database_now())
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {
            "database": "ok",
            "migrations": "ok",
            "redis": "ok",
            "sweep": "ok",
            "queues": "ok",
            "forwarding": "ok",
            "mail": "ok",
        },
        "heard": {"sweep": pytest.approx(0, abs=60)},
    }
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("part", ["sweep", "queue:forward"])
def test_silent_workers_degrade_the_shop_but_leave_it_in_service(client: Client, part: str) -> None:
    beat(part, now=database_now() - timedelta(minutes=3))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["sweep"] == "silent"
    assert answer.json()["heard"] == {part: pytest.approx(180, abs=5)}


def test_a_rare_sweep_is_not_silence(client: Client, settings: Settings) -> None:
    settings.SWEEP_SECONDS = 60.0
    beat("sweep", now=database_now() - timedelta(minutes=3))
    assert client.get("/readyz").json()["status"] == "ready"


def test_without_redis_orders_are_still_taken(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    beat("sweep", now=database_now())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["redis"] == "silent"


def test_without_a_database_the_shop_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", _no_database)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "silent")


def test_with_a_missing_migration_the_shop_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one to come"])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "missing")


def test_only_get_and_head_are_allowed(client: Client) -> None:
    assert client.post("/readyz").status_code == 405


def _no_database() -> bool:
    raise DatabaseError("gone")


@pytest.mark.parametrize("words", ["not set up", "failing"])
def test_a_shop_that_cannot_send_mail_is_degraded(client: Client, settings: Settings, words: str) -> None:
    beat("sweep", now=database_now())
    settings.MAIL_IS_SET_UP = words != "not set up"
    if words == "failing":
        raise_alert(causes.MAIL_FAILS, now=database_now(), problem="451 later")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["mail"]) == (200, "degraded", words)
