"""An order and a refill as the provider keeps them, and its answers about them at a given time."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from upstream.simulator.fates import LifeStep, charge_of, remains_at, step_at
from upstream.simulator.reply import plain

Kind = Literal["plain", "drip", "subscription"]


@dataclass(slots=True)
class SimulatedOrder:
    """``charge`` is the price of the whole order; the charge at a given time follows from the step it is in."""

    id: str
    service: str
    link: str
    quantity: int
    fields: dict[str, str]
    charge: Decimal
    unit: Decimal
    arrived: float
    sha256: str
    fate: str
    steps: tuple[LifeStep, ...]
    start_count: int
    currency: str
    kind: Kind = "plain"
    parent: str | None = None
    fault: str | None = None
    children: list[str] = field(default_factory=list)
    version: int = 0
    cancel_asked: bool = False

    def status(self, now: float) -> str:
        return self.steps[step_at(self.steps, now - self.arrived)].status

    def remains(self, now: float) -> int:
        return remains_at(self.steps, now - self.arrived)

    def charged(self, now: float) -> Decimal:
        return self.charged_in(step_at(self.steps, now - self.arrived))

    def charged_in(self, index: int) -> Decimal:
        if self.kind == "drip":
            return self.charge - self.unit * self.quantity * len(self.children) / int(self.fields["runs"])
        return charge_of(self.charge, self.steps[index].due, self.quantity) if self.quantity else Decimal(0)

    def status_row(self, now: float) -> dict[str, Any]:
        """Return the answer to ``status``: every value a text, as the provider's page shows it."""
        status = self.status(now)
        if self.kind == "subscription":
            posts = str(self.quantity)
            return {
                "status": status,
                "expiry": self.fields.get("expiry"),
                "posts": posts,
                "orders": list(self.children),
            }
        if self.kind == "drip":
            return {"status": status, "runs": self.fields["runs"], "orders": list(self.children)}
        return {
            "charge": plain(self.charged(now)),
            "start_count": "" if status == "Pending" else str(self.start_count),
            "status": status,
            "remains": str(self.remains(now)),
            "currency": self.currency,
        }

    def as_record(self, now: float) -> dict[str, Any]:
        """Return the row of the record: what was accepted, the fault that its answer met, and its state now."""
        return {
            "order": self.id,
            "service": self.service,
            "link": self.link,
            "quantity": self.quantity,
            "fields": self.fields,
            "charge": plain(self.charge),
            "net_charge": plain(self.charged(now)),
            "arrived": self.arrived,
            "sha256": self.sha256,
            "fate": self.fate,
            "fault": self.fault,
            "parent": self.parent,
            "children": list(self.children),
            "status": self.status(now),
            "remains": self.remains(now),
        }


@dataclass(slots=True)
class SimulatedRefill:
    """``fate`` is one of completed, rejected, never, unknown."""

    id: str
    order: str
    asked: float
    seconds: float
    fate: str = "completed"

    def status(self, now: float) -> str:
        age = now - self.asked
        if self.fate == "never" or age < self.seconds * 0.3:
            return "Pending"
        if age < self.seconds:
            return "In progress"
        return "Rejected" if self.fate == "rejected" else "Completed"
