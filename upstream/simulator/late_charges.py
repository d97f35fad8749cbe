"""Panels that name the charge of an order late: after some time, or when it has ended."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from upstream.simulator.call import FINAL
from upstream.simulator.orders import SimulatedOrder

_SHOWN = {"null": None, "zero": "0", "empty": ""}


@dataclass(frozen=True, slots=True)
class LateCharges:
    """Of a ``share`` of the orders the charge is named late: ``after`` so many seconds, None for at their end only.

    Until then it is shown as "null", "zero" or "empty", or is "absent". A canceled order never names one.
    """

    share: float
    shown: str = "null"
    after: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for settings that make no sense."""
        if not 0 <= self.share <= 1 or self.shown not in (*_SHOWN, "absent"):
            raise ValueError("a late charge has a share from 0 to 1 and is shown as null, zero, empty or absent")

    def hide(self, row: dict[str, Any], order: SimulatedOrder, now: float) -> dict[str, Any]:
        """Return the row of an order as this panel shows it now."""
        if "charge" not in row or not self._hides_charge(order, now):
            return row
        if self.shown == "absent":
            return {key: value for key, value in row.items() if key != "charge"}
        return row | {"charge": _SHOWN[self.shown]}

    def _hides_charge(self, order: SimulatedOrder, now: float) -> bool:
        if zlib.crc32(order.id.encode()) % 1000 >= self.share * 1000:
            return False
        status = order.status(now)
        if status in ("Canceled", "Refunded"):
            return True
        return status not in FINAL and (self.after is None or now - order.arrived < self.after)
