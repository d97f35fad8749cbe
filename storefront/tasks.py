"""Periodic tasks: the sweep, which rings for whatever is due, and the pings of the queues.

Two beats at once do no harm, and a missed one costs nothing.
"""

from typing import Any

from celery import shared_task

from billing.topups import catching_up, looking, refunding
from core.clock import database_now
from notices import outbox
from notices.heartbeats import beat
from orders import freezing
from orders.mails.sending import mail_news
from storefront.queue_health import part_of, queues
from storefront.rounds import ring_round


@shared_task(name="storefront.tasks.sweep")
def sweep() -> None:
    ring_round()


@shared_task(name="storefront.tasks.ping", bind=True)
def ping(self: Any) -> None:
    """Record a heartbeat for the queue that delivered this message."""
    queue = (self.request.delivery_info or {}).get("routing_key")
    if queue in queues():
        beat(part_of(queue), now=database_now())


@shared_task(name=looking.LOOK)
def look_at_topups() -> None:
    looking.look_due(seconds=30.0)
    refunding.send_due(seconds=15.0, is_frozen=freezing.is_frozen())
    catching_up.catch_up(now=database_now(), seconds=15.0)


@shared_task(name=outbox.SEND)
def send_mails() -> None:
    mail_news(now=database_now())
    outbox.send_due(now=database_now(), only_alerts=freezing.is_frozen())
