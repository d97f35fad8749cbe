"""Rings for the workers. A doorbell carries nothing: losing it costs at most one sweep, ringing twice costs nothing."""

import logging

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)

FORWARD = "orders.tasks.forward"
FOLLOW = "orders.tasks.follow"
RESOLVE = "orders.tasks.resolve"

_EXPIRES_SECONDS = 30


def ring(task: str) -> None:
    """Send the message named ``task`` and shrug when the broker is away: the sweep finds the rows."""
    try:
        current_app.send_task(task, expires=_EXPIRES_SECONDS, ignore_result=True)
    except Exception as problem:  # every transport raises classes of its own, and none may break a committed deed
        log.warning("the doorbell %s was not heard (%s); the sweep will answer", task, type(problem).__name__)


def ring_on_commit(task: str) -> None:
    """Ring once the row is there to be found. Robust: a dead broker must not turn a committed order into an error."""
    transaction.on_commit(lambda: ring(task), robust=True)
