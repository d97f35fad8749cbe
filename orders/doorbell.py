"""Doorbells for the workers. They carry nothing: one that is lost costs a sweep's time, one too many costs nothing."""

import logging
import threading
import time

from django.db import transaction

from core import broker

log = logging.getLogger(__name__)

FORWARD = "orders.tasks.forward"
FOLLOW = "orders.tasks.follow"
RESOLVE = "orders.tasks.resolve"
JOBS = "orders.tasks.run_jobs"


def ring(task: str, *, queue: str | None = None) -> None:
    """Publish the message named ``task``; if the broker is away, only log that, since the sweep finds the rows.

    ``queue`` is for a message that is not about work but a ping of that queue's workers.
    """
    try:
        broker.publish(task, queue=queue)
    except Exception as problem:  # every transport raises classes of its own, and none may break what is committed
        log.warning("the doorbell %s could not be rung (%s); the sweep does its work", task, type(problem).__name__)


def ring_on_commit(task: str) -> None:
    """Ring once the row is committed. Robust: a dead broker must not turn a committed order into an error."""
    transaction.on_commit(lambda: ring(task), robust=True)


def ring_soon_on_commit(task: str) -> None:
    """Ring as above, where rows come by the hundred: without waiting for the broker, once for rows of one moment."""
    transaction.on_commit(lambda: _soon[task].ring(), robust=True)


class _SharedDoorbell:
    """Rings one doorbell from a thread of its own, with a pause after each ring.

    A ring asked for during the pause is not lost: it comes at the end. The thread is started when it is first needed,
    since a process that forks afterwards would not keep it.
    """

    PAUSE_SECONDS = 0.2

    def __init__(self, task: str) -> None:
        self._task = task
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        """Ask for a ring; return at once."""
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
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


_soon = {FORWARD: _SharedDoorbell(FORWARD)}
