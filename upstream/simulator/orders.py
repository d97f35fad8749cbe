"""An order and a refill as the provider keeps them, and what it says about them at a given time."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from upstream.simulator.fates import Step, charge_of, remains_at, step_at
from upstream.simulator.reply import plain

Kind = Literal["plain", "drip", "subscription"]


@dataclass(slots=True)
class Order:
    """``charge`` is what the whole order costs; what is charged at a time follows from the step it is in."""

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
    steps: tuple[Step, ...]
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
        """The answer to ``status``: every value a text, as the provider's page shows it."""
        status = self.status(now)
        if self.kind == "subscription":
            posts = str(self.quantity)
            return {"status": status, "expiry": self.fields.get("expiry"), "posts": posts, "orders": self.child_ids}
        if self.kind == "drip":
            return {"status": status, "runs": self.fields["runs"], "orders": self.child_ids}
        return {
            "charge": plain(self.charged(now)),
            "start_count": "" if status == "Pending" else str(self.start_count),
            "status": status,
            "remains": str(self.remains(now)),
            "currency": self.currency,
        }

    @property
    def child_ids(self) -> list[str]:
        return list(self.children)

    def as_record(self, now: float) -> dict[str, Any]:
        """The row of the record: what was accepted, byte for byte, the fault its answer met, what has become of it."""
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
            "children": self.child_ids,
            "status": self.status(now),
            "remains": self.remains(now),
        }


@dataclass(slots=True)
class Refill:
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
