"""Check that every queue has a worker: one may be running but no longer consuming, above all after a restart of Redis.

Each queue gets a ping message, and the worker that receives it updates the queue's heartbeat. An old heartbeat alerts
the owner and degrades /readyz, so that the supervisor restarts the worker.
"""

from datetime import datetime, timedelta

from django.conf import settings

from notices import causes
from notices.alerts import close_alerts, raise_alert
from notices.heartbeats import beat, last_beats, silent_after
from notices.models import Heartbeat
from orders.doorbell import ring

PING = "storefront.tasks.ping"
_PING_INTERVAL = timedelta(seconds=20)


def queues() -> list[str]:
    return [queue.name for queue in settings.CELERY_TASK_QUEUES]


def part_of(queue: str) -> str:
    """The name of a queue's heartbeat."""
    return f"queue:{queue}"


def silent_queues(beats: dict[str, datetime], *, now: datetime) -> list[str]:
    """The queues without an answer for too long. A queue that was never pinged is not silent."""
    return [q for q in queues() if part_of(q) in beats and now - beats[part_of(q)] > silent_after()]


def check_queues(*, now: datetime) -> None:
    """Ping the queues without a recent answer, and alert the owner about silent ones."""
    beats = last_beats()
    for queue in queues():
        at = beats.get(part_of(queue))
        if at is None:
            # Silence starts at the first ping, also for a queue that has never had a worker.
            Heartbeat.objects.get_or_create(part=part_of(queue), defaults={"at": now})
        if at is None or now - at >= _PING_INTERVAL:
            ring(PING, queue=queue)
    silent = silent_queues(beats, now=now)
    for queue in silent:
        raise_alert(causes.QUEUE_SILENT, now=now, queue=queue)
    answering = [queue for queue in queues() if queue not in silent]
    close_alerts([causes.QUEUE_SILENT.key_for({"queue": queue}) for queue in answering], now=now)


def beat_for_all(*, now: datetime) -> None:
    """Record a heartbeat for every queue: without a broker, this process does the work of all of them."""
    beat(*map(part_of, queues()), now=now)
