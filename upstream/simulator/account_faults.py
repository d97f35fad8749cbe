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


def _balance(change: Callable[[Play], dict[str, Any]]) -> Player:
    """Answer ``balance`` with some of its values changed."""
    return lambda play: (
        play.refusal
        or json_reply(
            {"balance": plain(play.provider.books.balance), "currency": play.provider.books.currency} | change(play)
        )
    )


def _long_balance(play: Play) -> dict[str, Any]:
    """Write the balance with blanks around it and more digits than it needs."""
    text = f"{play.provider.books.balance:f}"
    return {"balance": f" {text}00 " if "." in text else f" {text}.00 "}


def _moved_balance(sign: int) -> Player:
    """Move the balance, by no order of ours, just before the answer; the argument is the amount."""

    def player(play: Play) -> Reply:
        play.provider.books.adjust(Decimal(play.argument or "1.23") * sign)
        return play.answer()

    return player


def _repriced(play: Play) -> Reply:
    """Place the order at another price than the list's; the argument is the factor."""
    if play.refusal or play.call.action != "add":
        return play.answer()
    try:
        purchase = checked_purchase(play.provider, play.call)
    except Rejected as refusal:
        return error_reply(refusal.text, refusal.status)
    purchase = replace(purchase, unit=purchase.unit * Decimal(play.argument or "1.05"))
    return json_reply({"order": shown_id(play.provider.books.place(purchase, play.call.now).id)})


ACCOUNT: dict[str, Player] = {
    "balance_str": _balance(_long_balance),
    "balance_null": _balance(lambda play: {"balance": None}),
    "balance_negative": _balance(lambda play: {"balance": "-3.20"}),
    "balance_other_currency": _balance(
        lambda play: {"currency": "RUB" if play.provider.books.currency != "RUB" else "USD"}
    ),
    "balance_drops": _moved_balance(-1),
    "refund_in_window": _moved_balance(1),
    "no_funds": lambda play: error_reply("Not enough funds on balance"),
    "bad_key": lambda play: error_reply("Invalid API key"),
    "repriced": _repriced,
}


def _changed_list(change: Callable[[list[Row]], list[Row]]) -> Player:
    """Answer ``services`` with a changed copy of the list; what can be ordered stays as it is."""

    def player(play: Play) -> Reply:
        if play.refusal or play.call.action != "services":
            return play.answer()
        rows = [dict(row) for row in play.provider.catalog.rows if isinstance(row, dict)]
        return Reply(write_rows(change(rows)))

    return player


def _changed_rows(count: int, change: Callable[[Row], Row]) -> Player:
    """Answer ``services`` with the first ``count`` rows changed."""
    return _changed_list(lambda rows: [row | change(row) for row in rows[:count]] + rows[count:])


def _shifted_rate(row: Row, *, factor: int = 1, plus: int = 0) -> Row:
    return {"rate": str(Decimal(str(row.get("rate", "1"))) * factor + plus)}


MARKUP = '<script>document.title="owned"</script><img src=x onerror=alert(1)> "quoted" & \'so\''
SERVICES: dict[str, Player] = {
    "dup_ids": _changed_list(lambda rows: rows + [row | _shifted_rate(row, plus=1) for row in rows[:3]]),
    "renamed": _changed_rows(3, lambda row: {"name": f"{row.get('name')} (renamed)"}),
    "min_over_max": _changed_rows(3, lambda row: {"min": "1000", "max": "1"}),
    "rate_zero": _changed_rows(3, lambda row: {"rate": "0"}),
    "rate_negative": _changed_rows(3, lambda row: {"rate": "-0.90"}),
    "rate_nan": _changed_rows(3, lambda row: {"rate": "NaN"}),
    "rate_x1000": _changed_rows(3, lambda row: _shifted_rate(row, factor=1000)),
    "list_empty": _changed_list(lambda rows: []),
    "list_tenth": _changed_list(lambda rows: rows[: max(1, len(rows) // 10)]),
    "html_in_name": _changed_rows(3, lambda row: {"name": MARKUP, "category": MARKUP}),
}


def _ids_as_text(play: Play) -> Reply:
    """Answer a batch of refills with ids as texts instead of numbers; in the single form they are texts anyway."""
    reply = play.answer()
    value = json.loads(reply.body)
    if isinstance(value, list):
        value = [row | {"refill": str(row["refill"])} if isinstance(row["refill"], int) else row for row in value]
    return json_reply(value)


def _second_refill(play: Play) -> Reply:
    """Start two refills for one request and name the second."""
    reply = play.answer()
    order = play.provider.books.orders.get(play.call.fields.get("order", "").strip())
    if order is None or b"error" in reply.body:
        return reply
    return json_reply({"refill": play.provider.books.refill(order, now=play.call.now).id})


def honest(play: Play) -> Reply:
    """Answer honestly: the action itself looks at the fault's name."""
    return play.refusal or answer(play.provider, play.call)


REFILL: dict[str, Player] = {
    "refill_str": _ids_as_text,
    "refill_object_error": lambda play: json_reply({"refill": {"error": "Something went wrong"}}),
    "refill_twice": _second_refill,
    "refill_rejected": honest,
    "refill_unknown": honest,
    "refill_never": honest,
}
CANCEL: dict[str, Player] = {"cancel_late": honest, "cancel_lost": honest}
