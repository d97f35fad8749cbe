"""Doorbells on a real Redis: they arrive whatever a machine's clock says, and never pile up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from celery.schedules import schedule

from core import broker
from orders import doorbell
from storefront.environment import celery_broker


@pytest.fixture
def idle_redis(own_place: Any) -> Iterator[Any]:
    """A Redis for this test, without any consumer."""
    redis = own_place.redis(durable=False)
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture
def app(idle_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """The shop's Celery, connected to it."""
    app = Celery("apart", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = celery_broker(idle_redis.url)
    monkeypatch.setattr(broker, "current_app", app)
    yield app
    app.close()


def test_a_thousand_rings_leave_only_as_many_messages_as_are_useful(app: Celery) -> None:
    assert broker.waiting("forward") == 0
    for _ in range(1000):
        doorbell.ring(doorbell.FORWARD)
    assert broker.waiting("forward") == broker.ENOUGH
    assert broker.waiting("follow") == 0
    doorbell.ring(doorbell.FOLLOW)
    assert broker.waiting("follow") == 1


def test_messages_never_expire(app: Celery) -> None:
    broker.publish(doorbell.FORWARD)
    with app.connection_for_read() as connection:
        message = connection.SimpleQueue("forward").get(timeout=5)
    assert message.headers["task"] == doorbell.FORWARD
    assert message.headers["expires"] is None


def test_a_connection_lost_with_an_unacknowledged_message_can_be_closed(idle_redis: Any, app: Celery) -> None:
    """A worker once died of this, and received nothing after Redis was back."""
    broker.publish(doorbell.FORWARD)
    channel = app.connection_for_read().default_channel
    assert channel.basic_get("forward", no_ack=False) is not None
    idle_redis.kill()
    channel.connection.client = None  # as Celery left it in the worker that had this problem
    channel.close()
    assert channel.closed


def test_beat_stops_ringing_while_nothing_consumes(app: Celery) -> None:
    timetable = broker.Timetable(app)
    sweep = timetable.Entry(
        name="sweep", task="storefront.tasks.sweep", schedule=schedule(1), app=app,
        last_run_at=datetime.now(UTC) - timedelta(days=1),
    )  # fmt: skip
    for _ in range(broker.ENOUGH + 30):
        timetable.apply_async(sweep, advance=False)
    assert broker.waiting("default") == broker.ENOUGH


def test_without_a_broker_ringing_is_ignored_and_publishing_raises(idle_redis: Any, app: Celery) -> None:
    doorbell.ring(doorbell.FORWARD)
    idle_redis.stop()
    doorbell.ring(doorbell.FORWARD)
    with pytest.raises(Exception, match=r"(?i)connect|refused"):
        broker.publish(doorbell.FORWARD)
    idle_redis.start()
    doorbell.ring(doorbell.FORWARD)
    assert broker.waiting("forward") >= 1
