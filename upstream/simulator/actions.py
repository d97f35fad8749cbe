"""One function per action of the contract, each from fields to an honest answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from upstream.simulator.adding import Rejected, check_add
from upstream.simulator.aftercare import cancel, refill, refill_status
from upstream.simulator.books import Purchase
from upstream.simulator.call import FINAL, ApiCall, many_ids, shown_id
from upstream.simulator.catalog import canonical_id
from upstream.simulator.fates import is_fate
from upstream.simulator.reply import Reply, error_reply, json_reply, plain
from upstream.simulator.state import ProviderState
from upstream.simulator.status_faults import DENIED, marks_of, spoil_batch, spoil_item


def services(provider: ProviderState, call: ApiCall) -> Reply:
    return Reply(body=provider.catalog.raw)


def add(provider: ProviderState, call: ApiCall) -> Reply:
    known = repeated_order(provider, call)
    if known is not None:
        return json_reply({"order": shown_id(known)})
    purchase = checked_purchase(provider, call)
    if is_fate(call.fault):
        purchase = replace(purchase, fate=f"{call.fault}:{call.argument}" if call.argument else call.fault)
    return json_reply({"order": shown_id(provider.books.place(purchase, call.now).id)})


def repeated_order(provider: ProviderState, call: ApiCall) -> str | None:
    """Return the id of the order that was placed by the same request; None for a new one.

    Raise Rejected while the first request is still being carried out.
    """
    key = call.fields.get("request_id", "")
    if provider.request_id != "honoured" or not key:
        return None
    if provider.books.by_request.get(key) == "":
        raise Rejected("Duplicate request", 409)
    return provider.books.by_request.get(key)


def checked_purchase(provider: ProviderState, call: ApiCall) -> Purchase:
    """Make every check of ``add`` and return what is to be bought. Raise Rejected."""
    switches, books = provider.switches, provider.books
    fields = {name: value for name, value in call.fields.items() if name != "request_id" or not provider.request_id}
    purchase = check_add(
        fields,
        provider.catalog.find(call.fields.get("service", "")),
        digest=call.sha256,
        minute=books.seconds / 20,
        drip_children=switches["drip_children"],
    )
    if switches["one_order_per_link"] and any(
        order.link == purchase.link and order.status(call.now) not in FINAL for order in books.orders.values()
    ):
        raise Rejected("You have active order with this link. Please wait until order being completed.")
    if purchase.charge > books.balance:
        raise Rejected("Not enough funds on balance")
    return replace(purchase, fault=call.label, request_id=call.fields.get("request_id", ""))


def status(provider: ProviderState, call: ApiCall) -> Reply:
    several = "orders" in call.fields
    ids = many_ids(call.fields["orders"]) if several else [canonical_id(call.fields.get("order", ""))]
    marks = marks_of(ids, provider.books.orders, fault=call.fault, calm=provider.calm)
    rows = {number: _status_item(provider, call, number, marks.get(number, "")) for number in ids}
    if several or call.fault == "batch_error":
        return json_reply(spoil_batch(rows, marks))
    return json_reply(rows[ids[0]] if rows[ids[0]] is not None else {})


def _status_item(provider: ProviderState, call: ApiCall, number: str, mark: str) -> Any:
    """Return what ``status`` says of one order, spoiled by the fault named ``mark``; None if it is left out."""
    order = provider.books.orders.get(number)
    if order is None:
        if not provider.shows_foreign(number):
            return dict(DENIED)
        row = {"charge": "0.90", "start_count": "10", "status": "In progress", "remains": "100"}
        return row | {"currency": provider.books.currency}
    row = order.status_row(call.now)
    if provider.charge_places is not None and "charge" in row:
        row["charge"] = plain(cut(order.charged(call.now), provider.charge_places))
    if provider.late_charges is not None:
        row = provider.late_charges.hide(row, order, call.now)
    if mark == "transient_incorrect_id" and call.fault:
        return dict(DENIED)
    return spoil_item(mark, row, order, call.now)


def cut(amount: Decimal, places: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)


def balance(provider: ProviderState, call: ApiCall) -> Reply:
    return json_reply({"balance": plain(provider.books.balance), "currency": provider.books.currency})


def create_ticket(provider: ProviderState, call: ApiCall) -> Reply:
    provider.demand("tickets")
    wanted = {name: call.fields.get(name, "") for name in ("subject", "message", "priority")}
    for name in ("subject", "message"):
        if not wanted[name].strip():
            return json_reply({"status": 400, "message": f"{name.capitalize()} is required"})
    if (wanted["priority"] or "normal") not in ("low", "normal", "high", "urgent"):
        return json_reply({"status": 400, "message": "Priority is invalid"})
    number = provider.books.ticket(wanted)
    return json_reply({"status": 200, "ticket_id": number, "message": "Ticket created successfully"})


def orders(provider: ProviderState, call: ApiCall) -> Reply:
    """Answer with the unofficial list of recent orders that few panels have; newest first."""
    provider.demand("orders")
    limit = call.fields.get("limit", "100")
    newest = list(reversed(provider.books.orders.values()))[: int(limit) if limit.isdigit() else 100]
    return json_reply(
        [
            {
                "order": shown_id(order.id),
                "service": shown_id(order.service),
                "link": order.link,
                "quantity": order.quantity,
                "status": order.status(call.now),
                "charge": plain(order.charged(call.now)),
                "date": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(order.arrived)),
            }
            for order in newest
        ]
    )


ACTIONS: dict[str, Callable[[ProviderState, ApiCall], Reply]] = {
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


def answer(provider: ProviderState, call: ApiCall) -> Reply:
    """Return the honest answer to a call; a refusal is an answer, too."""
    handler = ACTIONS.get(call.action)
    try:
        if handler is None:
            raise Rejected("Incorrect request")
        return handler(provider, call)
    except Rejected as refusal:
        return error_reply(refusal.text, refusal.status)
