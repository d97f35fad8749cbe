"""Finds orders by their link in any of its spellings, through an index whatever their number."""

from django.db.models import Q, QuerySet

from catalog.links.reader import search_keys
from orders.models import Order

#: Where no index helps, so many of the newest orders are looked through.
LOOKED_THROUGH = 2000
#: The most orders that a search finds by one link.
MOST_FOUND = 2000
#: A shorter beginning of an address finds nothing in particular.
_SHORTEST = 3


def with_link(orders: QuerySet[Order], text: str) -> set[int]:
    """Return the numbers of those orders whose link is ``text``, lies below it or begins like it: the newest 2,000.

    One query for each key, because an OR of ten prefixes makes Postgres walk through all orders instead.
    """
    found: set[int] = set()
    for key in search_keys(text):
        condition = Q(link_key__startswith=key) if len(key) >= _SHORTEST else Q(link_key=key)
        found |= set(orders.filter(condition).order_by("-id").values_list("pk", flat=True)[:MOST_FOUND])
    return found


def nth_newest(orders: QuerySet[Order]) -> int:
    """Return the number of the oldest order that is still looked through; 0 if all are."""
    number = orders.order_by("-id").values_list("pk", flat=True)[LOOKED_THROUGH : LOOKED_THROUGH + 1]
    return next(iter(number), 0)
