"""The tabs of "My orders": which states each shows, how many orders it holds, and their numbers from a place on.

Nothing here costs more for a customer with a hundred thousand orders: each state is an index seek of its own.
"""

from collections.abc import Mapping

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import User
from orders.models import Order
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


def _arm(tab: str, forward_state: str, progress: str | None) -> str:
    """SQL for up to one more than MOST_COUNTED orders of one customer in one state, all of them named like the tab."""
    narrowed = "" if progress is None else f" AND progress = '{progress}'"
    where = f"customer_id = %(customer)s AND forward_state = '{forward_state}'{narrowed}"
    return f"(SELECT '{tab}' AS tab FROM orders_order WHERE {where} LIMIT {MOST_COUNTED + 1})"  # noqa: S608 - constants


_ARMS = " UNION ALL ".join(_arm(tab, *state) for tab, states in STATES.items() for state in states)
_COUNTS = f"SELECT tab, count(*) FROM ({_ARMS}) found GROUP BY tab"  # noqa: S608 - put together from constants


def counts_of(customer: User) -> Mapping[str, int]:
    """Return how many orders each tab holds; a figure above MOST_COUNTED says only that there are more."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"customer": customer.pk})
        return dict.fromkeys(STATES, 0) | dict(cursor.fetchall())


def numbers_of(
    customer: User, tab: str, *, limit: int, before: int | None = None, after: int | None = None
) -> list[int]:
    """Return up to ``limit`` numbers of orders, the newest first; ``tab`` is empty for all.

    With ``before`` the newest below that number, with ``after`` the oldest above it.
    """
    own = Order.objects.filter(customer=customer)
    if before is not None:
        own = own.filter(pk__lt=before)
    if after is not None:
        own = own.filter(pk__gt=after)
    order = "-id" if after is None else "id"

    def first(rows: QuerySet[Order]) -> QuerySet[Order, int]:
        return rows.order_by(order).values_list("pk", flat=True)[:limit]

    states = STATES.get(tab)
    if states is None:
        found = list(first(own))
    else:
        # One seek for each state: asked for together, they would have to be sorted.
        conditions = [Q(forward_state=f) if p is None else Q(forward_state=f, progress=p) for f, p in states]
        arm, *others = [first(own.filter(condition)) for condition in conditions]
        found = sorted(arm.union(*others, all=True), reverse=after is None)[:limit]
    return found if after is None else found[::-1]
