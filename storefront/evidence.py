"""What an evidence file says of orders: the rooms below know payments and orders, and not each other."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from billing.evidence.file import use_order_facts
from orders.models import Order


def order_facts(references: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the facts of orders by their reference, such as "order:1042"."""
    numbers = [int(each.removeprefix("order:")) for each in references if each.startswith("order:")]
    found: dict[str, dict[str, Any]] = {}
    for order in Order.objects.filter(pk__in=numbers):
        delivered = "" if order.remains is None else max(order.total - order.remains, 0)
        found[f"order:{order.pk}"] = {
            "order": order.pk,
            "service": order.service_name,
            "link": order.link,
            "quantity": order.total,
            "delivered": delivered,
            "charge": f"{order.charge:f}",
            "refunded of it": f"{order.refunded:f}",
            "state": order.progress or order.forward_state,
            "placed": _time(order.created_at),
            "started": _time(order.started_at),
            "finished": _time(order.finished_at),
        }
    return found


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def connect() -> None:
    """Let the evidence files say what became of orders."""
    use_order_facts(order_facts)
