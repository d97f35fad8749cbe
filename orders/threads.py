"""Several threads at one kind of work, as many as there is work for; each with a database session of its own."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from django.db import connection

from core.clock import elapsed_clock

#: How often it is looked whether there is work for one more.
_LOOK_SECONDS = 0.5


Deed = Callable[[int | None], int]


def work(deed: Deed, *, wanted: Callable[[], int], most: int, until: float) -> int:
    """Run ``deed`` as often as there is work, in up to ``most`` threads at once; the sum of what it returns.

    ``deed(n)`` does at most ``n`` steps, ``deed(None)`` all it finds, and returns how many it did. Where only one is
    wanted it runs here, a step at a time, and no thread is made.
    """
    done = 0
    while True:
        places = min(most, wanted()) if most > 1 else 1
        if places > 1:
            return done + _crowd(partial(deed, None), places, wanted, most, until)
        step = deed(1 if most > 1 else None) if places else 0
        done += step
        if most == 1 or not step or elapsed_clock() >= until:
            return done


def _crowd(deed: Callable[[], int], first: int, wanted: Callable[[], int], most: int, until: float) -> int:
    """More join while the work lasts and grows; from the first that found nothing more to do, nobody joins.

    What a deed raises is raised here, once all have returned.
    """
    with ThreadPoolExecutor(most, thread_name_prefix="lane") as threads:
        running = {threads.submit(_with_own_session, deed) for _ in range(first)}
        ended: set[Future[int]] = set()
        while running:
            done, running = wait(running, None if ended else _LOOK_SECONDS, FIRST_COMPLETED)
            ended |= done
            if not ended and elapsed_clock() < until:
                missing = min(most, wanted()) - len(running)
                running |= {threads.submit(_with_own_session, deed) for _ in range(missing)}
    return sum([one.result() for one in ended])


def _with_own_session(deed: Callable[[], int]) -> int:
    try:
        return deed()
    finally:
        # Nobody else would: a thread's session outlives it otherwise, and there are not many.
        connection.close()
