"""A second order of a customer for a link that an earlier one of theirs is still open for: what becomes of it."""

from collections.abc import Collection

from django.db import connection
from django.utils.translation import gettext as _

from core.refusals import Refusal
from orders.models import Order
from orders.states import FINAL, Forward

#: Customers whose orders wait for each other's end of placement; the second number is the customer's id.
_LOCKS = 0x53414D45


class LinkHasOpenOrder(Refusal):
    """The service takes one order at a time for a link, and ``order``, of the same customer, is still open."""

    code = "link_has_open_order"

    def __init__(self, order: Order) -> None:
        self.order = order
        text = _(
            "Your order #%(number)s for this link is still open. This service takes the next one when it has ended."
        )
        super().__init__(text % {"number": order.pk})


def open_order_for(*, customer_id: int, service_id: int, link_key: str, before: int | None = None) -> Order | None:
    """Return the customer's newest order of a service that is open for a link, in whatever spelling.

    With ``before`` it is the newest one that was placed earlier than the order of that number.
    Only their own: that somebody else ordered for this link is nobody's business.
    """
    if not link_key:
        return None
    same = Order.objects.filter(customer=customer_id, service=service_id, link_key=link_key)
    if before is not None:
        same = same.filter(pk__lt=before)
    still_open = same.exclude(progress__in=FINAL).exclude(forward_state__in=[Forward.REFUSED, Forward.REFUNDED])
    return still_open.order_by("-id").first()


def open_orders_for(*, customer_id: int, wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return the number of the newest open order for each service and link key in ``wanted`` that has one."""
    if not wanted:
        return {}
    services, keys = {service for service, _key in wanted}, {key for _service, key in wanted}
    same = Order.objects.filter(customer=customer_id, service__in=services, link_key__in=keys)
    still_open = same.exclude(progress__in=FINAL).exclude(forward_state__in=[Forward.REFUSED, Forward.REFUNDED])
    found = still_open.order_by("id").values_list("service", "link_key", "id")
    return {(service, key): number for service, key, number in found if (service, key) in wanted}


def one_at_a_time(customer_id: int) -> None:
    """Let placements of this customer that ask for open orders follow each other, until the caller's transaction ends.

    The lock comes before every row, so that it waits for nobody who waits for it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, customer_id % 2**31])
