"""The faults of the status group: how each spoils one item, or a whole answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from upstream.simulator.fates import SPOILED_ANSWERS
from upstream.simulator.orders import SimulatedOrder

Item = Any
Spoil = Callable[[dict[str, Any], SimulatedOrder, float], Item]
WINDOW = (0.3, 0.6)
ONE_ONLY = frozenset(["id_missing", "one_bad_in_100"])
DENIED = {"error": "Incorrect order ID"}


def marks_of(ids: list[str], orders: dict[str, SimulatedOrder], *, fault: str, calm: bool) -> dict[str, str]:
    """Return the fault that spoils each id: the one drawn for the call, else the fate in an order's link."""
    if fault in SPOILED_ANSWERS:
        return dict.fromkeys(ids[:1] if fault in ONE_ONLY else ids, fault)
    if calm:
        return {}
    return {number: orders[number].fate.partition(":")[0] for number in ids if number in orders}


def spoil_item(fault: str, row: dict[str, Any], order: SimulatedOrder, now: float) -> Item:
    """Return the row as the fault shows it, None where the fault leaves it out."""
    spoil = _ITEMS.get(fault)
    return spoil(row, order, now) if spoil else row


def spoil_batch(rows: dict[str, Item], marks: dict[str, str]) -> Any:
    """Build the answer to several ids: keys padded, ids left out or added, or one error for all of them."""
    if "batch_error" in marks.values():
        return dict(DENIED)
    shown = {
        ("00" + key if marks.get(key) == "id_padded" else key): row for key, row in rows.items() if row is not None
    }
    if "id_extra" in marks.values():
        extra = {"charge": "9.99", "start_count": "1", "status": "Canceled", "remains": "0", "currency": "USD"}
        shown[str(max((int(key) for key in rows if key.isdigit()), default=0) + 1_000_000)] = extra
    return shown


def _set(**values: Any) -> Spoil:
    return lambda row, order, now: row | values


def _remains(change: Callable[[int, int], Any]) -> Spoil:
    def spoil(row: dict[str, Any], order: SimulatedOrder, now: float) -> Item:
        return row | {"remains": change(int(row["remains"]), order.quantity)} if "remains" in row else row

    return spoil


def _transient(row: dict[str, Any], order: SimulatedOrder, now: float) -> Item:
    """Deny the order for a part of its life, so that a later call finds it again."""
    end = order.steps[-1].at or 1.0
    inside = WINDOW[0] * end <= now - order.arrived <= WINDOW[1] * end
    return dict(DENIED) if inside else row


_ITEMS: dict[str, Spoil] = {
    "id_missing": lambda row, order, now: None,
    "one_bad_in_100": lambda row, order, now: ["Notice", None],
    "transient_incorrect_id": _transient,
    "charge_null": _set(charge=None),
    "charge_negative": lambda row, order, now: row | {"charge": "-" + str(row.get("charge", "1"))},
    "charge_nan": _set(charge="NaN"),
    "charge_comma": lambda row, order, now: row | {"charge": str(row.get("charge", "0.9")).replace(".", ",")},
    "other_currency": lambda row, order, now: row | {"currency": "RUB" if row.get("currency") != "RUB" else "USD"},
    "remains_negative": _remains(lambda remains, total: str(-max(remains, 1))),
    "remains_over": _remains(lambda remains, total: str(total + 1 + remains)),
    "remains_float": _remains(lambda remains, total: f"{remains}.5"),
    "remains_missing": lambda row, order, now: {key: value for key, value in row.items() if key != "remains"},
    "status_unknown": _set(status="Awaiting moderation"),
    "status_case": lambda row, order, now: row | {"status": str(row["status"]).upper().replace(" ", "_")},
}
