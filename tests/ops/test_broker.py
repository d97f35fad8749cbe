"""Doorbells on a real Redis: heard whatever a machine's clock says, and never more of them than are of use."""

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
def unheard(own_place: Any) -> Iterator[Any]:
    """A Redis of this test, where nobody listens."""
    redis = own_place.redis(durable=False)
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture
def app(unheard: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """The shop's Celery, connected there."""
    app = Celery("apart", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = celery_broker(unheard.url)
    monkeypatch.setattr(broker, "current_app", app)
    yield app
    app.close()


def test_a_thousand_rings_leave_as_many_messages_as_are_of_use(app: Celery) -> None:
    assert broker.waiting("forward") == 0
    for _ in range(1000):
        doorbell.ring(doorbell.FORWARD)
    assert broker.waiting("forward") == broker.ENOUGH
    assert broker.waiting("follow") == 0
    doorbell.ring(doorbell.FOLLOW)
    assert broker.waiting("follow") == 1


def test_a_message_has_no_age_at_which_it_is_thrown_away(app: Celery) -> None:
    broker.publish(doorbell.FORWARD)
    with app.connection_for_read() as connection:
        message = connection.SimpleQueue("forward").get(timeout=5)
    assert message.headers["task"] == doorbell.FORWARD
    assert message.headers["expires"] is None


def test_a_connection_that_was_lost_with_a_message_in_hand_can_be_closed(unheard: Any, app: Celery) -> None:
    """A worker ended over that, and heard no more when Redis was back."""
    broker.publish(doorbell.FORWARD)
    channel = app.connection_for_read().default_channel
    assert channel.basic_get("forward", no_ack=False) is not None
    unheard.kill()
    channel.connection.client = None  # what Celery had let go of in the worker that met this
    channel.close()
    assert channel.closed


def test_the_timetable_stops_ringing_while_nobody_hears(app: Celery) -> None:
    timetable = broker.Timetable(app)
    sweep = timetable.Entry(
        name="sweep", task="storefront.tasks.sweep", schedule=schedule(1), app=app,
        last_run_at=datetime.now(UTC) - timedelta(days=1),
    )  # fmt: skip
    for _ in range(broker.ENOUGH + 30):
        timetable.apply_async(sweep, advance=False)
    assert broker.waiting("default") == broker.ENOUGH


def test_without_a_broker_a_ring_is_shrugged_off_and_publishing_says_so(unheard: Any, app: Celery) -> None:
    doorbell.ring(doorbell.FORWARD)
    unheard.stop()
    doorbell.ring(doorbell.FORWARD)
    with pytest.raises(Exception, match=r"(?i)connect|refused"):
        broker.publish(doorbell.FORWARD)
    unheard.start()
    doorbell.ring(doorbell.FORWARD)
    assert broker.waiting("forward") >= 1
