"""Fills in the keys of links of orders that were written by a version of the shop that knew none."""

from typing import Any

from django.db import connection, transaction

from catalog.links.reader import link_key
from catalog.shop.platforms import platforms_named
from orders.models import Order

BATCH = 1000


def fill_in(orders: Any = Order.objects, *, batches: int | None = None) -> int:
    """Give orders with a link and without a key their key, in transactions of 1,000; return how many got one.

    ``orders`` is a manager of orders, in a migration that of the model as it was then. Orders that somebody else has
    locked are left for the next call: so this waits for nobody, and stops nobody for longer than a batch takes. It may
    be interrupted at any time, and begins again where it stopped.
    """
    filled, last, done = 0, 0, 0
    lacking = orders.filter(link_key="").exclude(link="").order_by("id")
    while batches is None or done < batches:
        with transaction.atomic():
            locked = lacking.filter(pk__gt=last).select_for_update(skip_locked=True, of=("self",))
            rows = list(
                locked.values_list("pk", "link", "service__platform", "service__name", "service__category__name")[
                    :BATCH
                ]
            )
            if not rows:
                break
            keys = [link_key(link, platforms_named(main, name, heading)) for _pk, link, main, name, heading in rows]
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE orders_order o SET link_key = given.key"
                    " FROM unnest(%s::bigint[], %s::text[]) AS given (id, key) WHERE o.id = given.id",
                    [[row[0] for row in rows], keys],
                )
        filled, last, done = filled + len(rows), rows[-1][0], done + 1
    return filled
