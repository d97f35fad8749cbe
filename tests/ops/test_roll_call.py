"""A worker that lives and hears nothing is noticed: by the queue's row, on /readyz, and by an alert."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core.clock import database_now
from notices.heartbeats import beat, last_beats
from notices.models import Alert
from storefront import roll_call
from storefront.celery import app
from storefront.rounds import ring_round, work_round
from storefront.tasks import ping

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []
    monkeypatch.setattr(roll_call, "ring", lambda task, *, queue: heard.append(queue))
    return heard


def test_each_queue_is_pinged_until_somebody_answers(rung: list[str]) -> None:
    now = database_now()
    roll_call.call_roll(now=now)
    assert rung == ["default", "forward", "follow"]
    rung.clear()
    beat(part="queue:forward", now=now)
    roll_call.call_roll(now=now + timedelta(seconds=30))
    assert rung == ["default", "forward", "follow"]
    rung.clear()
    beat(part="queue:forward", now=now + timedelta(seconds=30))
    roll_call.call_roll(now=now + timedelta(seconds=40))
    assert rung == ["default", "follow"]


def test_a_queue_that_nobody_ever_served_is_noticed_within_two_minutes(rung: list[str], client: Client) -> None:
    now = database_now()
    ago = now - timedelta(seconds=130)
    roll_call.call_roll(now=ago)
    for queue in ("default", "follow"):
        beat(part=f"queue:{queue}", now=now)
    beat(part="sweep", now=now)
    roll_call.call_roll(now=now)
    assert [a.cause for a in Alert.objects.filter(closed_at=None)] == ["queue:forward"]
    told = client.get("/readyz").json()
    assert (told["status"], told["checks"]["queues"]) == ("degraded", "silent: forward")
    beat(part="queue:forward", now=now)
    roll_call.call_roll(now=now)
    assert not Alert.objects.filter(closed_at=None).exists()
    assert client.get("/readyz").json()["checks"]["queues"] == "ok"


def test_the_answer_to_a_ping_is_written_for_the_queue_it_came_through() -> None:
    ping.apply(routing_key="elsewhere")
    assert last_beats() == {}
    ping.apply(routing_key="follow")
    assert set(last_beats()) == {"queue:follow"}


def test_a_shop_without_a_broker_answers_for_all_its_queues(settings: Any) -> None:
    work_round(seconds=1)
    assert {f"queue:{q}" for q in roll_call.queues()} <= set(last_beats())


def test_a_round_of_the_sweep_calls_the_roll(rung: list[str]) -> None:
    ring_round()
    assert rung == roll_call.queues()


def test_every_queue_has_a_worker_that_was_told_of_it() -> None:
    assert roll_call.queues() == [queue.name for queue in app.conf.task_queues]
