"""Whether somebody still answers at each queue: a worker may live and be deaf, above all after Redis came back.

Every queue is pinged through the broker like any other doorbell, and whoever answers writes the queue's row. A row that
grows old is told to the owner, degrades /readyz, and so lets the supervisor restart the worker.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from notices.alerts import close_alert, raise_alert
from notices.heartbeats import beat, last_beats
from notices.models import Heartbeat
from orders.doorbell import ring

PING = "storefront.tasks.ping"
_PAUSE = timedelta(seconds=20)


def silent_after() -> timedelta:
    """How old a sign of life may be: two minutes, or four sweeps where those are far apart."""
    return timedelta(seconds=max(120.0, 4 * settings.SWEEP_SECONDS))


def queues() -> list[str]:
    return [queue.name for queue in settings.CELERY_TASK_QUEUES]


def part_of(queue: str) -> str:
    """How the row of a queue's sign of life is called."""
    return f"queue:{queue}"


def silent_queues(beats: dict[str, datetime], *, now: datetime) -> list[str]:
    """The queues at which nobody has answered for too long. One that was never pinged is not among them."""
    return [q for q in queues() if part_of(q) in beats and now - beats[part_of(q)] > silent_after()]


def call_roll(*, now: datetime) -> None:
    """Ping the queues whose last answer is not fresh, and tell the owner of those that stay silent."""
    beats = last_beats()
    for queue in queues():
        at = beats.get(part_of(queue))
        if at is None:
            # Silence counts from the first ping on, also at a queue that no worker has ever served.
            Heartbeat.objects.get_or_create(part=part_of(queue), defaults={"at": now})
        if at is None or now - at >= _PAUSE:
            ring(PING, queue=queue)
    silent = silent_queues(beats, now=now)
    for queue in queues():
        if queue in silent:
            raise_alert(
                cause=part_of(queue),
                title=_("Nobody answers at the queue %(queue)s") % {"queue": queue},
                body=_("Its worker is gone, busy without end or deaf. Restart it; nothing is lost meanwhile."),
                path="/admin/notices/heartbeat/",
                now=now,
            )
        else:
            close_alert(cause=part_of(queue), now=now)


def answer_all(*, now: datetime) -> None:
    """Without a broker one process does the work of every queue, and so answers for all of them."""
    for queue in queues():
        beat(part=part_of(queue), now=now)
