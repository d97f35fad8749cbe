"""Customers ask about many of their orders at once, while the workers that do it die."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Count

from accounts.models import User
from core.clock import database_now
from core.refusals import Refusal
from orders.jobs.of_orders import CANCEL, REFILL, start_for_orders
from orders.models import Cancellation, Job, JobItem, Order, Refill
from orders.states import JobItemState
from tests.battery.chaos.world import forgiving
from tests.stack.running import until

#: A job a second; every fourth one cancels, and few orders, so that the others live on.
_PAUSE = 1.0
_REFILLED, _CANCELED = 12, 2


@contextmanager
def asked(customers: Sequence[User]) -> Iterator[None]:
    """Start one job after the other, each of them twice with the same nonce, for the length of the ``with``."""
    ended = threading.Event()

    def ask() -> None:
        number = 0
        while not ended.wait(_PAUSE):
            number += 1
            who = customers[number % len(customers)]
            kind, most = (CANCEL, _CANCELED) if number % 4 == 0 else (REFILL, _REFILLED)
            with forgiving():
                own = Order.objects.filter(customer=who).order_by("-pk" if kind is CANCEL else "pk")
                numbers = list(own.values_list("pk", flat=True)[:most])
                for _time in range(2):
                    try:
                        start_for_orders(
                            customer=who, kind=kind, numbers=numbers, nonce=f"job-{number}", now=database_now()
                        )
                    except Refusal:
                        break  # nothing was bought yet
        connection.close()

    thread = threading.Thread(target=ask, name="jobs")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def at_rest(*, limit: float) -> dict[str, Any]:
    """Wait until every job has ended; then compare the results of their orders with what was asked for.

    Each order of a job has one result, and each result that says so is one request, never two.
    """
    until(lambda: not Job.objects.filter(state="running").exists(), limit, "every job had ended")
    wrong = []
    for job in Job.objects.all():
        counts = Counter(job.items.values_list("state", flat=True))
        found = counts[JobItemState.DONE], counts[JobItemState.REFUSED], counts[JobItemState.FAILED]
        if found != (job.done, job.refused, job.failed) or sum(found) != job.total:
            wrong.append(f"job {job.pk} of {job.total} counts {job.done}, {job.refused}, {job.failed}: {found}")
        wrong += [f"job {job.pk} failed at {job.failed} orders"] if job.failed else []
    nonces = Job.objects.values_list("nonce").annotate(n=Count("pk")).filter(n__gt=1)
    wrong += [f"{nonce} started {n} jobs" for nonce, n in nonces]
    done = JobItem.objects.filter(state=JobItemState.DONE).order_by()
    said, there = _by_order(done.filter(job__kind=REFILL.name), "object_id"), _by_order(Refill.objects, "order_id")
    wrong += [f"order {pk}: {said[pk]} refills asked for, {there[pk]} there" for pk in {*said, *there}
              if said[pk] != there[pk]]  # fmt: skip
    said = _by_order(done.filter(job__kind=CANCEL.name), "object_id")
    requested = _by_order(Cancellation.objects, "order_id")
    wrong += [f"order {pk}: {n} cancellations of {said[pk]}" for pk, n in requested.items() if n > said[pk]]
    return {
        "jobs": Job.objects.count(),
        "orders": JobItem.objects.count(),
        "done": done.count(),
        "begun_again": JobItem.objects.filter(tries__gt=1).count(),
        "wrong": wrong,
    }


def _by_order(rows: Any, column: str) -> Counter[int]:
    """How many rows there are of each order."""
    return Counter(dict(rows.order_by().values_list(column).annotate(n=Count("pk"))))
