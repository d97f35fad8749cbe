"""The tabs of "My orders": which states each shows, how many orders it holds, and their numbers from a place on.

Nothing here costs more for a customer with a hundred thousand orders: each state is an index seek of its own, and what
a list is narrowed to is decided from the entries of the index alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import User
from orders.states import (
    CANCELED,
    COMPLETED,
    CONFIRMING,
    IN_PROGRESS,
    PARTIAL,
    PENDING,
    SENDING,
    Forward,
    Progress,
    face_of,
)

#: Orders of a tab are counted up to here; of more, a page says "1,000+".
MOST_COUNTED = 1_000
#: The tabs in order; what is being sent counts as pending, because it lasts for seconds.
TABS = (PENDING, CONFIRMING, IN_PROGRESS, COMPLETED, PARTIAL, CANCELED)


def tab_of(forward_state: str, progress: str) -> str:
    """Return the name of the tab that shows an order in these two states."""
    face = face_of(forward_state, progress)
    return (PENDING if face is SENDING else face).name


#: Tab -> its states, computed from ``face_of`` so that the two can never disagree. Progress is None where any will do.
STATES: dict[str, list[tuple[str, str | None]]] = {
    tab.name: [(f.value, None) for f in Forward if f != Forward.PLACED and tab_of(f, "") == tab.name]
    + [(Forward.PLACED.value, str(p)) for p in ("", *Progress) if tab_of(Forward.PLACED, p) == tab.name]
    for tab in TABS
}


@dataclass(frozen=True)
class Narrowing:
    """Which of a customer's orders a list is about, but for their state: None stands for any.

    ``services`` are the only ones, ``since`` the first moment and ``until`` the one after the last.
    """

    services: frozenset[int] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_any(self) -> bool:
        return self == Narrowing()

    def takes(self, service_id: int, created_at: datetime) -> bool:
        """Return whether it takes an order of this service and time."""
        return (
            (self.services is None or service_id in self.services)
            and (self.since is None or created_at >= self.since)
            and (self.until is None or created_at < self.until)
        )

    def sql(self) -> str:
        """Return the conditions, for the parameters of the same names."""
        # Added to 0, so that Postgres does not look all orders of a service up to throw most of them away.
        parts = [
            (self.services, "service_id + 0 = ANY(%(services)s)"),
            (self.since, "created_at >= %(since)s"),
            (self.until, "created_at < %(until)s"),
        ]
        return "".join(f" AND {condition}" for value, condition in parts if value is not None)

    def params(self) -> dict[str, Any]:
        services = None if self.services is None else list(self.services)
        return {"services": services, "since": self.since, "until": self.until}


ANY = Narrowing()


def _arm(what: str, state: tuple[str, str | None] | None, conditions: str, end: str) -> str:
    """SQL for the orders of one customer in one state, or in any."""
    where = "customer_id = %(customer)s"
    if state is not None:
        forward_state, progress = state
        where += f" AND forward_state = '{forward_state}'"
        where += "" if progress is None else f" AND progress = '{progress}'"
    return f"(SELECT {what} FROM orders_order WHERE {where}{conditions} {end})"  # noqa: S608 - constants


def _counts(what: str, conditions: str) -> str:
    """SQL for up to one more than MOST_COUNTED orders of each state, all of them named like the tab."""
    return " UNION ALL ".join(
        _arm(f"'{tab}' AS tab{what}", state, conditions, f"LIMIT {MOST_COUNTED + 1}")
        for tab, states in STATES.items()
        for state in states
    )


_COUNTS = f"SELECT tab, count(*) FROM ({_counts('', '')}) found GROUP BY tab"  # noqa: S608 - constants


def counts_of(customer: User) -> Mapping[str, int]:
    """Return how many orders each tab holds; a figure above MOST_COUNTED says only that there are more."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"customer": customer.pk})
        return dict.fromkeys(STATES, 0) | dict(cursor.fetchall())


def few_or_counts(customer: User, narrowing: Narrowing) -> tuple[dict[int, str] | None, Mapping[str, int]]:
    """Return the orders of a narrowed list with the tab of each, None if they are too many; and the counts of the tabs.

    One statement for both: whatever few orders there are, all entries of the customer have been looked at for them.
    """
    numbers = f"CASE WHEN sum(count(*)) OVER () <= {MOST_COUNTED} THEN array_agg(id) END"
    found = _counts(", id", narrowing.sql())
    sql = f"SELECT tab, count(*), {numbers} FROM ({found}) found GROUP BY tab"  # noqa: S608 - constants
    with connection.cursor() as cursor:
        cursor.execute(sql, {"customer": customer.pk, **narrowing.params()})
        rows = cursor.fetchall()
    counts = dict.fromkeys(STATES, 0) | {tab: count for tab, count, _numbers in rows}
    if any(numbers is None for _tab, _count, numbers in rows):
        return None, counts
    return {number: tab for tab, _count, numbers in rows for number in numbers}, counts


def numbers_of(
    customer: User,
    tab: str,
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
    narrowing: Narrowing = ANY,
) -> list[int]:
    """Return up to ``limit`` numbers of orders, the newest first; ``tab`` is empty for all.

    With ``before`` the newest below that number, with ``after`` the oldest above it.
    """
    sql, params = numbers_sql(customer, tab, limit=limit, before=before, after=after, narrowing=narrowing)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = [number for (number,) in cursor.fetchall()]
    return found if after is None else found[::-1]


def numbers_sql(
    customer: User,
    tab: str,
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
    narrowing: Narrowing = ANY,
) -> tuple[str, dict[str, Any]]:
    """Return the SQL and the parameters of :func:`numbers_of`, the oldest first with ``after``."""
    conditions = narrowing.sql()
    conditions += "" if before is None else " AND id < %(before)s"
    conditions += "" if after is None else " AND id > %(after)s"
    end = f"ORDER BY id {'DESC' if after is None else 'ASC'} LIMIT %(limit)s"
    # One seek for each state: asked for together, they would have to be sorted.
    states: Iterable[tuple[str, str | None] | None] = STATES.get(tab) or [None]
    arms = [_arm("id", state, conditions, end) for state in states]
    params = {"customer": customer.pk, "limit": limit, "before": before, "after": after, **narrowing.params()}
    return arms[0] if len(arms) == 1 else f"{' UNION ALL '.join(arms)} {end}", params
