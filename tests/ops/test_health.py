"""What /healthz and /readyz say while everything, or not everything, is there."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django.fixtures import SettingsWrapper

from core.clock import database_now
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


def test_ready_with_database_redis_and_fresh_signs_of_life(client: Client) -> None:
    beat(part="beat", now=database_now())
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok", "parts": {"beat": "ok"}},
    }
    assert "no-store" in answer["Cache-Control"]


def test_a_silent_worker_degrades_the_shop_but_leaves_it_in_service(client: Client) -> None:
    beat(part="beat", now=database_now())
    beat(part="queue:forward", now=database_now() - timedelta(minutes=3))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["parts"] == {"beat": "ok", "queue:forward": "silent"}


def test_a_shop_whose_workers_never_started_is_degraded(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_without_redis_orders_are_still_taken(client: Client, settings: SettingsWrapper) -> None:
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    beat(part="beat", now=database_now())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["redis"] == "silent"


def test_without_a_database_the_shop_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", _no_database)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "silent")


def test_with_a_migration_to_come_the_shop_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one to come"])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["migrations"]) == (503, "missing")


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/readyz").status_code == 405


def _no_database() -> bool:
    raise DatabaseError("gone")
