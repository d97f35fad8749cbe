"""The one clock: the database's.

Leases and due times written by many machines are compared with each other, so all of them come from one clock. An
operation reads it once, at its start, and passes it on as ``now``. A worker whose own clock is wrong does no harm.
"""

import time
from datetime import datetime, timedelta

from django.db import connection


def database_now() -> datetime:
    """The database's statement time, with its time zone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def elapsed_clock() -> float:
    """Seconds for measuring durations inside one process; keeps counting while the machine is suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SteadyClock:
    """The database's clock for one run of many small steps: read once, then advanced by the process's own clock.

    ``now`` is a moment just read from the database; without it the clock reads one. Not for runs of more than some
    minutes, nor where the time itself proves something: there, ask the database.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._started = elapsed_clock()
        self._start = now or database_now()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=elapsed_clock() - self._started)
