"""Several threads at one kind of work, as many as there is work for; each with a database session of its own."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.db import connection

from core.clock import elapsed_clock

#: How often to look whether there is work for one more.
_LOOK_SECONDS = 0.5

Job = Callable[[int | None], int]


def work(job: Job, *, wanted: Callable[[], int], most: int, until: float) -> int:
    """Run ``job`` as often as there is work, in up to ``most`` threads at once; return the sum of what it returns.

    ``job(n)`` does at most ``n`` steps, ``job(None)`` all it finds, and returns how many it did. Where only one is
    wanted it runs here, a step at a time, and no thread is made. What a job raises in a thread is raised here, once all
    have ended.
    """
    done = 0
    while (first := min(most, wanted()) if most > 1 else 1) <= 1:
        steps = job(1 if most > 1 else None) if first else 0
        done += steps
        if most == 1 or not steps or elapsed_clock() >= until:
            return done
    # More join while the work lasts and grows; from the first that found nothing more to do, nobody joins.
    with ThreadPoolExecutor(most, thread_name_prefix="lane") as threads:
        running = {threads.submit(_run_with_own_session, job) for _ in range(first)}
        ended: set[Future[int]] = set()
        while running:
            over, running = wait(running, None if ended else _LOOK_SECONDS, FIRST_COMPLETED)
            ended |= over
            if not ended and elapsed_clock() < until:
                missing = min(most, wanted()) - len(running)
                running |= {threads.submit(_run_with_own_session, job) for _ in range(missing)}
    return done + sum([one.result() for one in ended])


def _run_with_own_session(job: Job) -> int:
    try:
        return job(None)
    finally:
        # Nobody else would: a thread's session outlives it otherwise, and there are not many.
        connection.close()
