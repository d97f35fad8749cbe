"""The tasks behind the doorbells. Each does what is due; none carries an order, and none is repeated by the broker."""

from celery import shared_task

from core.clock import database_now
from notices.heartbeats import beat
from orders import cancellations, freezing, refills
from orders.doubt import resolve as doubts
from orders.following import poll
from orders.forwarding import dispatch, refill_sends, repeats, request_tests
from orders.jobs import running

#: A task claims for this long; two calls may be under way at its end, for which the time limits leave room.
RUN_SECONDS = 60.0


@shared_task(name="orders.tasks.forward")
def forward() -> None:
    freezing.check_now_and_then()
    repeats.send_due(seconds=RUN_SECONDS / 8)
    dispatch.forward_due(seconds=RUN_SECONDS * 3 / 4)
    refill_sends.send_due(seconds=RUN_SECONDS / 8)
    request_tests.send_due(seconds=RUN_SECONDS / 8)
    beat("queue:forward", now=database_now())


@shared_task(name="orders.tasks.follow")
def follow() -> None:
    cancellations.ask_due(seconds=RUN_SECONDS / 8)
    poll.follow_due(seconds=RUN_SECONDS * 5 / 8)
    refills.follow_due(seconds=RUN_SECONDS / 4)
    beat("queue:follow", now=database_now())


@shared_task(name="orders.tasks.resolve")
def resolve() -> None:
    doubts.resolve_due(now=database_now())


@shared_task(name="orders.tasks.run_jobs")
def run_jobs() -> None:
    running.run_due(seconds=RUN_SECONDS / 2)
