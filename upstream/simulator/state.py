"""Everything the simulated provider knows: its catalog, its books, its record and the rules a test may switch."""

from __future__ import annotations

from dataclasses import dataclass, field

from upstream.simulator.adding import Rejected
from upstream.simulator.books import Books
from upstream.simulator.catalog import Catalog
from upstream.simulator.late_charges import LateCharges
from upstream.simulator.record import Record

SWITCHES = {
    "refill": True,
    "cancel": True,
    "tickets": True,
    "orders": False,
    "drip_children": False,
    "one_order_per_link": False,
    "foreign_visible": False,
}


@dataclass
class ProviderState:
    """What the actions and the faults work on.

    ``calm`` turns off the fates that spoil answers. ``charge_places`` cuts the charges in ``status`` to that many
    decimal places, ``late_charges`` hides some of them at first. ``late_seconds`` are the shortest and the longest
    delay of a late placement. ``request_id`` says what the field of that name in ``add`` does: "honoured" answers a
    repeat with the first order, "ignored" orders again, "" does not know the field.
    """

    catalog: Catalog
    key: str
    record: Record
    books: Books
    switches: dict[str, bool] = field(default_factory=lambda: dict(SWITCHES))
    calm: bool = False
    charge_places: int | None = None
    late_charges: LateCharges | None = None
    late_seconds: tuple[float, float] = (5.0, 120.0)
    request_id: str = ""
    redirect_to: str = "http://127.0.0.1:9/_sim/redirect-target"

    def demand(self, capability: str) -> None:
        """Raise Rejected if this provider does not offer an action."""
        if not self.switches[capability]:
            raise Rejected("Incorrect request")

    def shows_foreign(self, number: str) -> bool:
        """True if ``status`` shows this order of another customer; a provider that does breaks a safe assumption."""
        return self.switches["foreign_visible"] and self.books.is_foreign(number)
