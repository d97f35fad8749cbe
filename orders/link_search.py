"""Finds orders by their link in any of its spellings, through an index whatever their number."""

from django.db.models import Q, QuerySet

from catalog.links.reader import search_keys
from orders.models import Order

#: Where no index helps, so many of the newest orders are looked through.
LOOKED_THROUGH = 5000
#: A shorter beginning of an address finds nothing in particular.
_SHORTEST = 3


def with_link(text: str) -> Q:
    """Return the condition for orders whose link is ``text``, lies below it, or begins like it; none if it is none."""
    found = Q(pk__in=[])
    for key in search_keys(text):
        found |= Q(link_key=key)
        if len(key) >= _SHORTEST:
            found |= Q(link_key__startswith=key)
    return found


def nth_newest(orders: QuerySet[Order]) -> int:
    """Return the number of the oldest order that is still looked through; 0 if all are."""
    number = orders.order_by("-id").values_list("pk", flat=True)[LOOKED_THROUGH : LOOKED_THROUGH + 1]
    return next(iter(number), 0)
