"""The provider's books: one growing counter of ids, one balance, and everything that happens by itself with time.

Nothing here waits. What is due by the clock (a refund of an order that ended partial, a run of a drip-feed, other
customers' orders, a placement that an overloaded panel makes late) happens in its order when the books are next read.
"""

from __future__ import annotations

import heapq
import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from typing import Any

from upstream.simulator.fates import LifeStep, default_fate, is_fate, life, read_script, tail
from upstream.simulator.orders import Kind, SimulatedOrder, SimulatedRefill
from upstream.simulator.record import Record
from upstream.simulator.reply import plain


@dataclass(frozen=True, slots=True)
class Purchase:
    """A checked ``add``: what will be bought and at what price a unit, not yet bought.

    A subscription itself costs nothing; its posts do. A drip-feed (``kind`` drip) pays for all its runs at once.
    """

    service: str
    link: str
    quantity: int
    fields: Mapping[str, str]
    unit: Decimal
    sha256: str
    kind: Kind = "plain"
    runs: int = 1
    gap: float = 0.0
    fate: str = ""
    fault: str | None = None
    request_id: str = ""

    @property
    def charge(self) -> Decimal:
        return Decimal(0) if self.kind == "subscription" else self.unit * self.quantity


class Books:
    """Orders, refills, balance. ``tick(now)`` first, then read or write."""

    def __init__(self, record: Record, *, balance: Decimal, currency: str, seconds: float, first_id: int) -> None:
        self.record = record
        self.balance = balance
        self.currency = currency
        self.seconds = seconds
        self.orders: dict[str, SimulatedOrder] = {}
        self.refills: dict[str, SimulatedRefill] = {}
        self.tickets: list[dict[str, str]] = []
        #: The order that each key of a request placed; "" while it is still being carried out.
        self.by_request: dict[str, str] = {}
        self.first_id = self.next_id = first_id
        self.ids = "growing"
        self.foreign_rate = 0.0
        self.fates: list[tuple[str, float]] = []
        self._random = random.Random(first_id)  # noqa: S311
        self._foreign_since: float | None = None
        self._due: list[tuple[float, int, Callable[[float], object]]] = []
        self._tie = count()

    # Time.

    def at(self, when: float, action: Callable[[float], object]) -> None:
        """Call ``action`` with the time at which it was due, once the clock has reached ``when``."""
        heapq.heappush(self._due, (when, next(self._tie), action))

    def tick(self, now: float) -> None:
        """Carry out everything that is due, in its order."""
        while self._due and self._due[0][0] <= now:
            when, _, action = heapq.heappop(self._due)
            self._order_for_others(when)
            action(when)
        self._order_for_others(now)

    def _order_for_others(self, now: float) -> None:
        """Take the ids that other customers' orders would have taken since the last call."""
        since, self._foreign_since = self._foreign_since, now
        if since is None or not self.foreign_rate or now <= since:
            return
        whole, rest = divmod((now - since) * self.foreign_rate, 1)
        self.burn(int(whole))
        self._foreign_since = now - rest / self.foreign_rate

    # Ids.

    def burn(self, number: int = 1) -> str:
        """Give ``number`` ids to other customers; return the last one."""
        self.next_id += number
        return str(self.next_id - 1)

    def is_foreign(self, number: str) -> bool:
        inside = number.isascii() and number.isdigit() and self.first_id <= int(number) < self.next_id
        return inside and number not in self.orders

    def _new_id(self) -> str:
        if self.ids == "text":
            return f"ord_{self._random.getrandbits(40):010x}{self.burn()}"
        if self.ids == "random":
            number = self.burn()
            return str(self._random.randrange(10**8, 10**9)) + number[-2:]
        return self.burn()

    # Buying.

    def place(self, purchase: Purchase, now: float, parent: SimulatedOrder | None = None) -> SimulatedOrder:
        """Accept one order: give it an id, charge the balance, write the journal, schedule what will happen to it."""
        script = read_script(purchase.link)
        seconds = self.seconds if script.after is None else script.after
        fate = purchase.fate or script.fate
        if not fate or not is_fate(fate):
            fate = self._drawn_fate(purchase.quantity)
        event = {
            "event": "order",
            "order": self._new_id(),
            "service": purchase.service,
            "link": purchase.link,
            "quantity": purchase.quantity,
            "fields": dict(purchase.fields),
            "charge": plain(purchase.charge),
            "unit": plain(purchase.unit),
            "arrived": now,
            "sha256": purchase.sha256,
            "fate": fate,
            "seconds": seconds,
            "currency": self.currency,
            "kind": purchase.kind,
            "runs": purchase.runs,
            "gap": purchase.gap,
            "parent": parent.id if parent else None,
            "fault": purchase.fault,
            "request_id": purchase.request_id,
            "next_id": self.next_id,
        }
        order = self._enter(event)
        self.record.write(event)
        return order

    def _drawn_fate(self, quantity: int) -> str:
        ordinal = len(self.orders) + 1
        if not self.fates:
            return default_fate(ordinal, quantity)
        drawn = self._random.random() * sum(weight for _, weight in self.fates)
        for fate, weight in self.fates:
            drawn -= weight
            if drawn < 0:
                return fate
        return self.fates[-1][0]

    def _enter(self, event: Mapping[str, Any]) -> SimulatedOrder:
        kind: Kind = event["kind"]
        order = SimulatedOrder(
            id=event["order"],
            service=event["service"],
            link=event["link"],
            quantity=event["quantity"],
            fields=dict(event["fields"]),
            charge=Decimal(event["charge"]),
            unit=Decimal(event["unit"]),
            arrived=event["arrived"],
            sha256=event["sha256"],
            fate=event["fate"],
            steps=_steps_of(event),
            start_count=zlib.crc32(event["link"].encode("utf-8", "replace")) % 50_000,
            currency=event["currency"],
            kind=kind,
            parent=event["parent"],
            fault=event["fault"],
        )
        self.orders[order.id] = order
        if event.get("request_id") and not self.by_request.get(event["request_id"]):
            self.by_request[event["request_id"]] = order.id
        self.balance -= order.charge
        if order.parent in self.orders:
            parent = self.orders[order.parent]
            parent.children.append(order.id)
            if parent.kind == "drip":
                # The parent paid for all its runs at once, so a run that begins costs nothing more.
                self.balance += order.charge
        if kind == "plain":
            self._schedule_refunds(order, first_step=1)
        else:
            for run in range(event["runs"]):
                when = order.arrived + event["gap"] * run + event["seconds"] * 0.05
                self.at(when, _Run(self, order, run, event["runs"]))
        return order

    def _schedule_refunds(self, order: SimulatedOrder, *, first_step: int) -> None:
        """Let the balance follow the steps from ``first_step`` on: a refund, or a charge that comes back."""
        for index in range(first_step, len(order.steps)):
            difference = order.charged_in(index - 1) - order.charged_in(index)
            if difference:
                when = order.arrived + order.steps[index].at
                self.at(when, _Refund(self, order, order.version, difference))

    # Changing.

    def refate(self, order: SimulatedOrder, fate: str, *, now: float, after: float = 0.0) -> None:
        """Give an order another ending, ``after`` seconds from now. Raise ValueError for an unknown fate."""
        event = {"event": "refate", "order": order.id, "fate": fate, "at": now, "after": after}
        self._refate(order, event)
        self.record.write(event)

    def _refate(self, order: SimulatedOrder, event: Mapping[str, Any]) -> None:
        age = event["at"] - order.arrived
        kept = [step for step in order.steps if step.at <= age]
        kept.append(replace(kept[-1], at=age, remains=order.remains(event["at"])))
        ending = tail(event["fate"], order.quantity, self.seconds, age + event["after"])
        order.version += 1
        order.fate = event["fate"]
        order.steps = (*kept, *ending)
        self._schedule_refunds(order, first_step=len(kept))

    def refill(self, order: SimulatedOrder, *, now: float, fate: str = "completed") -> SimulatedRefill:
        event = {"event": "refill", "refill": str(len(self.refills) + 1), "order": order.id, "asked": now}
        event |= {"seconds": self.seconds, "fate": fate}
        self.record.write(event)
        return self._refill(event)

    def _refill(self, event: Mapping[str, Any]) -> SimulatedRefill:
        refill = SimulatedRefill(event["refill"], event["order"], event["asked"], event["seconds"], event["fate"])
        self.refills[refill.id] = refill
        return refill

    def ticket(self, fields: Mapping[str, str]) -> str:
        ticket = {"ticket": str(12345 + len(self.tickets)), **fields}
        self.record.write({"event": "ticket", "ticket": ticket})
        self.tickets.append(ticket)
        return ticket["ticket"]

    def adjust(self, amount: Decimal) -> None:
        """Change the balance by something that is no order: a top-up, a correction, another spender."""
        self.record.write({"event": "adjust", "amount": plain(amount)})
        self.balance += amount

    def restore(self, event: Mapping[str, Any]) -> None:
        """Enter one event of the journal again."""
        match event["event"]:
            case "order":
                self._enter(event)
                self.next_id = max(self.next_id, event["next_id"])
            case "refate" if event["order"] in self.orders:
                self.tick(event["at"])
                self._refate(self.orders[event["order"]], event)
            case "refill":
                self._refill(event)
            case "ticket":
                self.tickets.append(event["ticket"])
            case "adjust":
                self.balance += Decimal(event["amount"])


@dataclass(slots=True)
class _Refund:
    """Give ``amount`` back, unless the order got another fate since."""

    books: Books
    order: SimulatedOrder
    version: int
    amount: Decimal

    def __call__(self, now: float) -> None:
        if self.order.version == self.version:
            self.books.balance += self.amount


@dataclass(slots=True)
class _Run:
    """Place one run of a drip-feed, or one post of a subscription, as an order of its own."""

    books: Books
    parent: SimulatedOrder
    run: int
    runs: int

    def __call__(self, now: float) -> None:
        parent = self.parent
        if self.run < len(parent.children):
            return
        if parent.kind == "drip":
            quantity = parent.quantity // self.runs
        else:
            low, high = int(parent.fields["min"]), int(parent.fields["max"])
            quantity = low + zlib.crc32(f"{parent.link}/{self.run}".encode()) % (high - low + 1)
        purchase = Purchase(parent.service, parent.link, quantity, parent.fields, parent.unit, parent.sha256)
        self.books.place(purchase, now, parent)


def _steps_of(event: Mapping[str, Any]) -> tuple[LifeStep, ...]:
    seconds, runs, gap, kind = event["seconds"], event["runs"], event["gap"], event["kind"]
    if kind == "plain":
        return life(event["fate"], event["quantity"], seconds)
    end = gap * (runs - 1) + seconds * 1.1
    last = "Completed"
    if kind == "subscription":
        last = {"expired": "Expired", "canceled": "Canceled", "paused": "Paused"}.get(event["fate"], last)
        return (LifeStep(0.0, "Active", 0, 0), LifeStep(end, last, 0, 0))
    total = event["quantity"]
    return (
        LifeStep(0.0, "Pending", total, total),
        LifeStep(seconds * 0.1, "In progress", total, total),
        LifeStep(end, last, 0, total),
    )
