"""What the menu of a row of "My orders" offers, and why not what it does not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from catalog.models import Service
from orders.cancellations import refusal_to_cancel
from orders.models import Order
from orders.pages.situations import Situation
from orders.refills import refusal_to_refill
from orders.states import Forward


@dataclass(frozen=True)
class RowMenu:
    """``no_refill`` and ``no_cancel`` are empty where it can be asked for; ``again`` if the service is on sale."""

    no_refill: str
    no_cancel: str
    is_unsent: bool
    again: bool


def menus_of(orders: Iterable[Order], situations: dict[int, Situation], *, now: datetime) -> dict[int, RowMenu]:
    """Return the menu of each order, whose refills and cancellations have to be loaded; one query."""
    listed = list(orders)
    services = {order.service_id for order in listed}
    on_sale = set(Service.objects.on_sale().filter(pk__in=services).values_list("pk", flat=True)) if services else set()
    menus = {}
    for order in listed:
        refill = refusal_to_refill(order, now=now)
        cancel = refusal_to_cancel(order, is_restored=situations[order.pk] is Situation.RESTORED)
        menus[order.pk] = RowMenu(
            no_refill="" if refill is None else str(refill.message),
            no_cancel="" if cancel is None else str(cancel.message),
            is_unsent=order.forward_state == Forward.QUEUED,
            again=order.service_id in on_sale,
        )
    return menus
