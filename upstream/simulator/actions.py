"""One function per action of the contract, each from fields to an honest answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from upstream.simulator.adding import Rejected, check_add
from upstream.simulator.books import Purchase
from upstream.simulator.catalog import canonical_id
from upstream.simulator.fates import is_fate
from upstream.simulator.orders import Order
from upstream.simulator.reply import Reply, error_reply, json_reply, plain
from upstream.simulator.status_faults import DENIED, marks_of, spoil_batch, spoil_item

if TYPE_CHECKING:
    from upstream.simulator.core import Simulator

UNKNOWN_REFILL = {"error": "Refill not found"}
FINAL = frozenset(["Completed", "Partial", "Canceled", "Refunded"])


@dataclass(frozen=True, slots=True)
class Call:
    """One request as read. ``fault`` and ``argument`` are what was drawn for it; the honest answer ignores most."""

    action: str
    fields: Mapping[str, str]
    now: float
    sha256: str
    fault: str = ""
    argument: str = ""


def services(sim: Simulator, call: Call) -> Reply:
    return Reply(body=sim.catalog.raw)


def add(sim: Simulator, call: Call) -> Reply:
    purchase = checked_purchase(sim, call)
    if is_fate(call.fault):
        purchase = replace(purchase, fate=f"{call.fault}:{call.argument}" if call.argument else call.fault)
    return json_reply({"order": shown_id(sim.books.place(purchase, call.now).id)})


def checked_purchase(sim: Simulator, call: Call) -> Purchase:
    """Everything ``add`` checks before it accepts. Raise Rejected."""
    switches = sim.switches
    purchase = check_add(
        call.fields,
        sim.catalog.find(call.fields.get("service", "")),
        digest=call.sha256,
        minute=sim.books.seconds / 20,
        drip_children=switches["drip_children"],
    )
    if switches["one_order_per_link"] and _has_open_order(sim, purchase.link, call.now):
        raise Rejected("You have active order with this link. Please wait until order being completed.")
    if purchase.charge > sim.books.balance:
        raise Rejected("Not enough funds on balance")
    return purchase


def _has_open_order(sim: Simulator, link: str, now: float) -> bool:
    return any(order.link == link and order.status(now) not in FINAL for order in sim.books.orders.values())


def status(sim: Simulator, call: Call) -> Reply:
    several = "orders" in call.fields
    ids = _many(call.fields["orders"]) if several else [canonical_id(call.fields.get("order", ""))]
    marks = marks_of(ids, sim.books.orders, fault=call.fault, calm=sim.calm)
    rows = {number: _status_item(sim, call, number, marks.get(number, "")) for number in ids}
    if several or call.fault == "batch_error":
        return json_reply(spoil_batch(rows, marks))
    return json_reply(rows[ids[0]] if rows[ids[0]] is not None else {})


def _status_item(sim: Simulator, call: Call, number: str, mark: str) -> Any:
    order = sim.books.orders.get(number)
    if order is None:
        return _foreign_row(sim) if sim.shows_foreign(number) else dict(DENIED)
    row = order.status_row(call.now)
    if sim.charge_places is not None and "charge" in row:
        row["charge"] = plain(cut(order.charged(call.now), sim.charge_places))
    if mark == "transient_incorrect_id" and call.fault:
        return dict(DENIED)
    return spoil_item(mark, row, order, call.now)


def cut(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)


def _foreign_row(sim: Simulator) -> dict[str, str]:
    row = {"charge": "0.90", "start_count": "10", "status": "In progress", "remains": "100"}
    return row | {"currency": sim.books.currency}


def refill(sim: Simulator, call: Call) -> Reply:
    sim.demand("refill")
    if "orders" in call.fields:
        return json_reply(
            [
                {"order": shown_id(number), "refill": _refill_item(sim, call, number)}
                for number in _many(call.fields["orders"])
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
                for one in _many(call.fields["refills"])
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
    ids = _many(call.fields.get("orders") or call.fields.get("order", ""))
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


def balance(sim: Simulator, call: Call) -> Reply:
    return json_reply({"balance": plain(sim.books.balance), "currency": sim.books.currency})


def create_ticket(sim: Simulator, call: Call) -> Reply:
    sim.demand("tickets")
    wanted = {name: call.fields.get(name, "") for name in ("subject", "message", "priority")}
    for name in ("subject", "message"):
        if not wanted[name].strip():
            return json_reply({"status": 400, "message": f"{name.capitalize()} is required"})
    if (wanted["priority"] or "normal") not in ("low", "normal", "high", "urgent"):
        return json_reply({"status": 400, "message": "Priority is invalid"})
    number = sim.books.ticket(wanted)
    return json_reply({"status": 200, "ticket_id": number, "message": "Ticket created successfully"})


def orders(sim: Simulator, call: Call) -> Reply:
    """The unofficial list of recent orders that few panels have; newest first."""
    sim.demand("orders")
    limit = call.fields.get("limit", "100")
    newest = list(reversed(sim.books.orders.values()))[: int(limit) if limit.isdigit() else 100]
    return json_reply([_listed(order, call.now) for order in newest])


def _listed(order: Order, now: float) -> dict[str, Any]:
    return {
        "order": shown_id(order.id),
        "service": shown_id(order.service),
        "link": order.link,
        "quantity": order.quantity,
        "status": order.status(now),
        "charge": plain(order.charged(now)),
        "date": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(order.arrived)),
    }


def _many(text: str) -> list[str]:
    ids = list(dict.fromkeys(canonical_id(part) for part in text.split(",") if part.strip()))
    if len(ids) > 100:
        raise Rejected("Maximum 100 orders", 400)
    return ids


def shown_id(number: str) -> int | str:
    return int(number) if number.isascii() and number.isdigit() else number


ACTIONS: dict[str, Callable[[Simulator, Call], Reply]] = {
    "services": services,
    "add": add,
    "status": status,
    "refill": refill,
    "refill_status": refill_status,
    "cancel": cancel,
    "balance": balance,
    "createTicket": create_ticket,
    "orders": orders,
}


def answer(sim: Simulator, call: Call) -> Reply:
    """The honest answer to a call; a refusal is an answer, too."""
    handler = ACTIONS.get(call.action)
    try:
        if handler is None:
            raise Rejected("Incorrect request")
        return handler(sim, call)
    except Rejected as refusal:
        return error_reply(refusal.text, refusal.status)
