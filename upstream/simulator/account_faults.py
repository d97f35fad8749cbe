"""Faults of the account, of the service list, and of refills and cancellations."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from upstream.simulator.actions import answer, checked_purchase
from upstream.simulator.adding import Rejected
from upstream.simulator.call import shown_id
from upstream.simulator.catalog import write_rows
from upstream.simulator.play import Play, Player
from upstream.simulator.reply import Reply, error_reply, json_reply, plain

Row = dict[str, Any]


def _balance(show: Callable[[Play], dict[str, Any]]) -> Player:
    return lambda it: it.refusal or json_reply({"balance": plain(it.sim.books.balance)} | show(it))


def _moves(sign: int) -> Player:
    """Something that is no order of ours moves the balance just before the answer."""

    def play(it: Play) -> Reply:
        it.sim.books.adjust(Decimal(it.argument or "1.23") * sign)
        return it.answer()

    return play


def _repriced(it: Play) -> Reply:
    """Place the order at another price than the list says; the argument is the factor."""
    if it.refusal or it.call.action != "add":
        return it.answer()
    try:
        purchase = checked_purchase(it.sim, it.call)
    except Rejected as refusal:
        return error_reply(refusal.text, refusal.status)
    dearer = replace(purchase, unit=purchase.unit * Decimal(it.argument or "1.05"))
    return json_reply({"order": shown_id(it.sim.books.place(dearer, it.call.now).id)})


def _padded(amount: Decimal) -> str:
    """The same amount with more digits than it needs."""
    return f"{amount:f}00" if "." in f"{amount:f}" else f"{amount:f}.00"


ACCOUNT: dict[str, Player] = {
    "balance_str": _balance(
        lambda it: {"balance": f" {_padded(it.sim.books.balance)} ", "currency": it.sim.books.currency}
    ),
    "balance_null": _balance(lambda it: {"balance": None, "currency": it.sim.books.currency}),
    "balance_negative": _balance(lambda it: {"balance": "-3.20", "currency": it.sim.books.currency}),
    "balance_other_currency": _balance(lambda it: {"currency": "RUB" if it.sim.books.currency != "RUB" else "USD"}),
    "balance_drops": _moves(-1),
    "refund_in_window": _moves(1),
    "no_funds": lambda it: error_reply("Not enough funds on balance"),
    "bad_key": lambda it: error_reply("Invalid API key"),
    "repriced": _repriced,
}


def _list(change: Callable[[list[Row]], list[Row]]) -> Player:
    """Answer ``services`` with a changed copy of the list; what can be ordered stays as it is."""

    def play(it: Play) -> Reply:
        if it.refusal or it.call.action != "services":
            return it.answer()
        rows = [dict(row) for row in it.sim.catalog.rows if isinstance(row, dict)]
        return Reply(write_rows(change(rows)))

    return play


def _first(count: int, **values: Any) -> Player:
    return _list(lambda rows: [row | values for row in rows[:count]] + rows[count:])


def _dearer(rows: list[Row]) -> list[Row]:
    return [row | {"rate": str(Decimal(str(row.get("rate", "1"))) * 1000)} for row in rows[:3]] + rows[3:]


def _renamed(rows: list[Row]) -> list[Row]:
    return [row | {"name": f"{row.get('name')} (renamed)"} for row in rows[:3]] + rows[3:]


def _twice(rows: list[Row]) -> list[Row]:
    return rows + [row | {"rate": str(Decimal(str(row.get("rate", "1"))) + 1)} for row in rows[:3]]


MARKUP = '<script>document.title="owned"</script><img src=x onerror=alert(1)> "quoted" & \'so\''
SERVICES: dict[str, Player] = {
    "dup_ids": _list(_twice),
    "renamed": _list(_renamed),
    "min_over_max": _first(3, min="1000", max="1"),
    "rate_zero": _first(3, rate="0"),
    "rate_negative": _first(3, rate="-0.90"),
    "rate_nan": _first(3, rate="NaN"),
    "rate_x1000": _list(_dearer),
    "list_empty": _list(lambda rows: []),
    "list_tenth": _list(lambda rows: rows[: max(1, len(rows) // 10)]),
    "html_in_name": _first(3, name=MARKUP, category=MARKUP),
}


def _refill_text(it: Play) -> Reply:
    """Ids of refills as texts; the documented single form is one already, the batch form has numbers otherwise."""
    reply = it.answer()
    value = json.loads(reply.body)
    if isinstance(value, list):
        value = [row | {"refill": str(row["refill"])} if isinstance(row["refill"], int) else row for row in value]
    return json_reply(value)


def _refill_twice(it: Play) -> Reply:
    """The panel starts two refills for one request and names the second."""
    reply = it.answer()
    order = it.sim.books.orders.get(it.call.fields.get("order", "").strip())
    if order is None or b"error" in reply.body:
        return reply
    return json_reply({"refill": it.sim.books.refill(order, now=it.call.now).id})


def honest(it: Play) -> Reply:
    """The action itself looks at the fault's name."""
    return it.refusal or answer(it.sim, it.call)


REFILL: dict[str, Player] = {
    "refill_str": _refill_text,
    "refill_object_error": lambda it: json_reply({"refill": {"error": "Something went wrong"}}),
    "refill_twice": _refill_twice,
    "refill_rejected": honest,
    "refill_unknown": honest,
    "refill_never": honest,
}
CANCEL: dict[str, Player] = {"cancel_late": honest, "cancel_lost": honest}
