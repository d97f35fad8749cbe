"""Doorbells. Each does whatever is due; none carries an order, and none is ever repeated by the broker's hand."""

from celery import shared_task

from core.clock import database_now
from notices.heartbeats import beat
from orders import dispatch, progress, refills
from orders.doubt import resolve as doubts


@shared_task(name="orders.tasks.forward")
def forward() -> None:
    dispatch.forward_due()
    refills.send_due()
    beat(part="queue:forward", now=database_now())


@shared_task(name="orders.tasks.follow")
def follow() -> None:
    progress.follow_due()
    refills.follow_due()
    beat(part="queue:follow", now=database_now())


@shared_task(name="orders.tasks.resolve")
def resolve() -> None:
    doubts.resolve_due(now=database_now())
