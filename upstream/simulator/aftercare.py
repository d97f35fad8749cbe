"""What can be asked for an order that exists: a refill, its state, a cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upstream.simulator.call import FINAL, Call, many_ids, shown_id
from upstream.simulator.catalog import canonical_id
from upstream.simulator.orders import Order
from upstream.simulator.reply import Reply, json_reply
from upstream.simulator.status_faults import DENIED

if TYPE_CHECKING:
    from upstream.simulator.core import Simulator

UNKNOWN_REFILL = {"error": "Refill not found"}


def refill(sim: Simulator, call: Call) -> Reply:
    sim.demand("refill")
    if "orders" in call.fields:
        return json_reply(
            [
                {"order": shown_id(number), "refill": _refill_item(sim, call, number)}
                for number in many_ids(call.fields["orders"])
            ]
        )
    made = _refill_item(sim, call, canonical_id(call.fields.get("order", "")))
    return json_reply(made if isinstance(made, dict) else {"refill": str(made)})


def _refill_item(sim: Simulator, call: Call, number: str) -> int | dict[str, str]:
    order = sim.books.orders.get(number)
    if order is None:
        return dict(DENIED)
    service = sim.catalog.find(order.service)
    live = any(
        refill.order == number and refill.status(call.now) in ("Pending", "In progress")
        for refill in sim.books.refills.values()
    )
    if not service or not service.refill or order.status(call.now) != "Completed" or live:
        return {"error": "Order not eligible for refill."}
    fate = {"refill_rejected": "rejected", "refill_never": "never", "refill_unknown": "unknown"}.get(call.fault)
    return int(sim.books.refill(order, now=call.now, fate=fate or "completed").id)


def refill_status(sim: Simulator, call: Call) -> Reply:
    sim.demand("refill")
    if "refills" in call.fields:
        return json_reply(
            [
                {"refill": shown_id(one), "status": _refill_state(sim, call, one)}
                for one in many_ids(call.fields["refills"])
            ]
        )
    return json_reply({"status": _refill_state(sim, call, canonical_id(call.fields.get("refill", "")))})


def _refill_state(sim: Simulator, call: Call, number: str) -> str | dict[str, str]:
    refill = sim.books.refills.get(number)
    if refill is None or (refill.fate == "unknown" and not sim.calm) or call.fault == "refill_unknown":
        return dict(UNKNOWN_REFILL)
    return refill.status(call.now)


def cancel(sim: Simulator, call: Call) -> Reply:
    sim.demand("cancel")
    ids = many_ids(call.fields.get("orders") or call.fields.get("order", ""))
    return json_reply([{"order": shown_id(number), "cancel": _cancel_item(sim, call, number)} for number in ids])


def _cancel_item(sim: Simulator, call: Call, number: str) -> int | dict[str, str]:
    order = sim.books.orders.get(number)
    if order is None:
        return dict(DENIED)
    service = sim.catalog.find(order.service)
    if not service or not service.cancel or order.kind != "plain" or order.status(call.now) in FINAL:
        return {"error": "You are not eligible to cancel this order."}
    if call.fault != "cancel_lost" and not order.cancel_asked:
        _cancel(sim, call, order)
    return 1


def _cancel(sim: Simulator, call: Call, order: Order) -> None:
    order.cancel_asked = True
    delivered = order.quantity - order.remains(call.now)
    fate = "canceled" if delivered <= 0 else f"partial:{order.quantity - delivered}"
    after = sim.books.seconds * (5 if call.fault == "cancel_late" else 0.1)
    sim.books.refate(order, fate, now=call.now, after=after)
