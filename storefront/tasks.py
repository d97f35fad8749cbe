"""The timetable's only task: look at what is due and ring for it. Two beats do no harm, a missed one costs nothing."""

from typing import Any

from celery import shared_task

from core.clock import database_now
from notices.heartbeats import beat
from storefront.roll_call import part_of, queues
from storefront.rounds import ring_round


@shared_task(name="storefront.tasks.sweep")
def sweep() -> None:
    ring_round()


@shared_task(name="storefront.tasks.ping", bind=True)
def ping(self: Any) -> None:
    """Answer for the queue through which the message came."""
    queue = (self.request.delivery_info or {}).get("routing_key")
    if queue in queues():
        beat(part=part_of(queue), now=database_now())
