"""Rings for the workers. A doorbell carries nothing: losing it costs at most one sweep, ringing twice costs nothing."""

import logging
import threading
import time

from django.db import transaction

from core import broker

log = logging.getLogger(__name__)

FORWARD = "orders.tasks.forward"
FOLLOW = "orders.tasks.follow"
RESOLVE = "orders.tasks.resolve"


def ring(task: str, *, queue: str | None = None) -> None:
    """Send the message named ``task`` and shrug when the broker is away: the sweep finds the rows.

    ``queue`` is for a message that is not about work but about who listens there.
    """
    try:
        broker.publish(task, queue=queue)
    except Exception as problem:  # every transport raises classes of its own, and none may break a committed deed
        log.warning("the doorbell %s was not heard (%s); the sweep will answer", task, type(problem).__name__)


def ring_on_commit(task: str) -> None:
    """Ring once the row is there to be found. Robust: a dead broker must not turn a committed order into an error."""
    transaction.on_commit(lambda: ring(task), robust=True)


def ring_soon_on_commit(task: str) -> None:
    """The same where rows come by the hundred: nobody waits for the broker, and rows of one moment share a ring."""
    transaction.on_commit(lambda: _hands[task].raise_(), robust=True)


class _Hand:
    """Rings one bell from a thread of its own, again only after a pause. What is asked for in the pause is not lost:
    it rings at its end. Made lazily, since a process that forks afterwards keeps no threads."""

    PAUSE_SECONDS = 0.2

    def __init__(self, task: str) -> None:
        self._task = task
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def raise_(self) -> None:
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ring_on_demand, name=self._task, daemon=True)
                self._thread.start()

    def _ring_on_demand(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            ring(self._task)
            time.sleep(self.PAUSE_SECONDS)


_hands = {FORWARD: _Hand(FORWARD)}
