"""Several threads at one kind of work, as many as there is work for; each with a database session of its own."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.db import connection

from core.clock import elapsed_clock

#: How often it is looked whether there is work for one more.
_LOOK_SECONDS = 0.5


def work(deed: Callable[[], int], *, wanted: Callable[[], int], most: int, until: float) -> int:
    """Run ``deed`` in up to ``most`` threads at once, ``wanted()`` of them at first; the sum of what they return.

    More join while the work lasts and ``wanted()`` grows. A deed returns when it finds nothing to do; from the first
    that did, nobody joins any more. What a deed raises is raised here, once all have returned.
    """
    running: set[Future[int]] = set()
    with ThreadPoolExecutor(most, thread_name_prefix="lane") as threads:
        ended: set[Future[int]] = set()
        while True:
            if not ended and elapsed_clock() < until:
                missing = min(most, wanted()) - len(running)
                running |= {threads.submit(_with_own_session, deed) for _ in range(missing)}
            if not running:
                break
            done, running = wait(running, None if ended else _LOOK_SECONDS, FIRST_COMPLETED)
            ended |= done
    return sum([one.result() for one in ended])


def _with_own_session(deed: Callable[[], int]) -> int:
    try:
        return deed()
    finally:
        # Nobody else would: a thread's session outlives it otherwise, and there are not many.
        connection.close()
