"""The one clock: the database's.

Leases and due times of many machines are compared with each other, so they are all read from one clock, once, at the
door of an operation, and handed on as ``now``. A worker whose own clock is wrong changes nothing.
"""

import time
from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The database's statement time, with its time zone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def elapsed_clock() -> float:
    """Seconds for measuring durations inside one process; goes on counting while the machine is suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
