"""One function per action of the contract, each from fields to an honest answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from upstream.simulator.adding import Rejected, check_add
from upstream.simulator.aftercare import cancel, refill, refill_status
from upstream.simulator.books import Purchase
from upstream.simulator.call import FINAL, Call, many_ids, shown_id
from upstream.simulator.catalog import canonical_id
from upstream.simulator.fates import is_fate
from upstream.simulator.orders import Order
from upstream.simulator.reply import Reply, error_reply, json_reply, plain
from upstream.simulator.status_faults import DENIED, marks_of, spoil_batch, spoil_item

if TYPE_CHECKING:
    from upstream.simulator.core import Simulator


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
    return replace(purchase, fault=call.label)


def _has_open_order(sim: Simulator, link: str, now: float) -> bool:
    return any(order.link == link and order.status(now) not in FINAL for order in sim.books.orders.values())


def status(sim: Simulator, call: Call) -> Reply:
    several = "orders" in call.fields
    ids = many_ids(call.fields["orders"]) if several else [canonical_id(call.fields.get("order", ""))]
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
