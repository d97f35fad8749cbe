"""A worker that lives and hears nothing is noticed: by the queue's row, on /readyz, and by an alert."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core.clock import database_now
from notices.heartbeats import beat, last_beats
from notices.models import Alert
from storefront import queue_health
from storefront.celery import app
from storefront.rounds import ring_round, work_round
from storefront.tasks import ping

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pinged_queues(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pinged: list[str] = []
    monkeypatch.setattr(queue_health, "ring", lambda task, *, queue: pinged.append(queue))
    return pinged


def test_each_queue_is_pinged_until_a_worker_answers(pinged_queues: list[str]) -> None:
    now = database_now()
    queue_health.check_queues(now=now)
    assert pinged_queues == ["default", "forward", "follow"]
    pinged_queues.clear()
    beat("queue:forward", now=now)
    queue_health.check_queues(now=now + timedelta(seconds=30))
    assert pinged_queues == ["default", "forward", "follow"]
    pinged_queues.clear()
    beat("queue:forward", now=now + timedelta(seconds=30))
    queue_health.check_queues(now=now + timedelta(seconds=40))
    assert pinged_queues == ["default", "follow"]


def test_a_queue_without_any_worker_is_noticed_within_two_minutes(pinged_queues: list[str], client: Client) -> None:
    now = database_now()
    ago = now - timedelta(seconds=130)
    queue_health.check_queues(now=ago)
    for queue in ("default", "follow"):
        beat(f"queue:{queue}", now=now)
    beat("sweep", now=now)
    queue_health.check_queues(now=now)
    assert [a.cause for a in Alert.objects.filter(closed_at=None)] == ["queue:forward"]
    health = client.get("/readyz").json()
    assert (health["status"], health["checks"]["queues"]) == ("degraded", "silent: forward")
    beat("queue:forward", now=now)
    queue_health.check_queues(now=now)
    assert not Alert.objects.filter(closed_at=None).exists()
    assert client.get("/readyz").json()["checks"]["queues"] == "ok"


def test_a_ping_records_a_heartbeat_for_the_queue_it_came_through() -> None:
    ping.apply(routing_key="elsewhere")
    assert last_beats() == {}
    ping.apply(routing_key="follow")
    assert set(last_beats()) == {"queue:follow"}


def test_without_a_broker_the_sweep_records_heartbeats_for_all_queues(settings: Any) -> None:
    work_round(seconds=1)
    assert {f"queue:{q}" for q in queue_health.queues()} <= set(last_beats())


def test_the_sweep_pings_the_queues(pinged_queues: list[str]) -> None:
    ring_round()
    assert pinged_queues == queue_health.queues()


def test_celery_consumes_every_queue() -> None:
    assert queue_health.queues() == [queue.name for queue in app.conf.task_queues]
