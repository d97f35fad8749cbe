"""Celery in a process whose clock is wrong: ``SKEW_SECONDS=3600 python -m tests.battery.chaos.skewed -A storefront …``.

The clock of a whole machine cannot be turned for one process, so what a worker reads of it is: Celery's own, by which
it throws doorbells away as too old, Django's, and the standard library's.
"""

import datetime
import os
import time


def skew(seconds: float) -> None:
    """From now on in this process, and in whatever it forks."""
    import celery.worker.request
    from django.utils import timezone

    real_time, real_now = time.time, timezone.now

    class Skewed(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Skewed":
            return super().now(tz) + datetime.timedelta(seconds=seconds)

    celery.worker.request.datetime = Skewed
    time.time = lambda: real_time() + seconds
    timezone.now = lambda: real_now() + datetime.timedelta(seconds=seconds)


if __name__ == "__main__":
    from celery.__main__ import main

    skew(float(os.environ["SKEW_SECONDS"]))
    main()
