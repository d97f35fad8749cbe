"""Doorbells. Each does whatever is due; none carries an order, and none is ever repeated by the broker's hand."""

from celery import shared_task

from core.clock import database_now
from notices.heartbeats import beat
from orders import dispatch, freezing, progress, refills


@shared_task(name="orders.tasks.forward")
def forward() -> None:
    freezing.look_now_and_then()
    dispatch.forward_due()
    refills.send_due()
    beat(part="queue:forward", now=database_now())


@shared_task(name="orders.tasks.follow")
def follow() -> None:
    progress.follow_due()
    refills.follow_due()
    beat(part="queue:follow", now=database_now())
