"""What can be asked for an order that exists: a refill, its state, a cancellation."""

from __future__ import annotations

from upstream.simulator.call import FINAL, ApiCall, many_ids, shown_id
from upstream.simulator.catalog import canonical_id
from upstream.simulator.reply import Reply, json_reply
from upstream.simulator.state import ProviderState
from upstream.simulator.status_faults import DENIED

UNKNOWN_REFILL = {"error": "Refill not found"}


def refill(provider: ProviderState, call: ApiCall) -> Reply:
    provider.demand("refill")
    if "orders" in call.fields:
        return json_reply(
            [
                {"order": shown_id(number), "refill": _refill_item(provider, call, number)}
                for number in many_ids(call.fields["orders"])
            ]
        )
    made = _refill_item(provider, call, canonical_id(call.fields.get("order", "")))
    return json_reply(made if isinstance(made, dict) else {"refill": str(made)})


def _refill_item(provider: ProviderState, call: ApiCall, number: str) -> int | dict[str, str]:
    """Start a refill of one order; return its id, or the error."""
    order = provider.books.orders.get(number)
    if order is None:
        return dict(DENIED)
    service = provider.catalog.find(order.service)
    live = any(
        refill.order == number and refill.status(call.now) in ("Pending", "In progress")
        for refill in provider.books.refills.values()
    )
    if not service or not service.refill or order.status(call.now) != "Completed" or live:
        return {"error": "Order not eligible for refill."}
    fate = {"refill_rejected": "rejected", "refill_never": "never", "refill_unknown": "unknown"}.get(call.fault)
    return int(provider.books.refill(order, now=call.now, fate=fate or "completed").id)


def refill_status(provider: ProviderState, call: ApiCall) -> Reply:
    provider.demand("refill")
    if "refills" in call.fields:
        return json_reply(
            [
                {"refill": shown_id(number), "status": _refill_state(provider, call, number)}
                for number in many_ids(call.fields["refills"])
            ]
        )
    return json_reply({"status": _refill_state(provider, call, canonical_id(call.fields.get("refill", "")))})


def _refill_state(provider: ProviderState, call: ApiCall, number: str) -> str | dict[str, str]:
    refill = provider.books.refills.get(number)
    if refill is None or (refill.fate == "unknown" and not provider.calm) or call.fault == "refill_unknown":
        return dict(UNKNOWN_REFILL)
    return refill.status(call.now)


def cancel(provider: ProviderState, call: ApiCall) -> Reply:
    provider.demand("cancel")
    ids = many_ids(call.fields.get("orders") or call.fields.get("order", ""))
    return json_reply([{"order": shown_id(number), "cancel": _cancel_item(provider, call, number)} for number in ids])


def _cancel_item(provider: ProviderState, call: ApiCall, number: str) -> int | dict[str, str]:
    """Note a cancellation of one order, which takes effect later; return 1, or the error."""
    order = provider.books.orders.get(number)
    if order is None:
        return dict(DENIED)
    service = provider.catalog.find(order.service)
    if not service or not service.cancel or order.kind != "plain" or order.status(call.now) in FINAL:
        return {"error": "You are not eligible to cancel this order."}
    if call.fault != "cancel_lost" and not order.cancel_asked:
        order.cancel_asked = True
        delivered = order.quantity - order.remains(call.now)
        fate = "canceled" if delivered <= 0 else f"partial:{order.quantity - delivered}"
        after = provider.books.seconds * (5 if call.fault == "cancel_late" else 0.1)
        provider.books.refate(order, fate, now=call.now, after=after)
    return 1
