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

from upstream.simulator.fates import Step, default_fate, is_fate, life, read_script, tail
from upstream.simulator.orders import Kind, Order, Refill
from upstream.simulator.record import Record
from upstream.simulator.reply import plain


@dataclass(frozen=True, slots=True)
class Purchase:
    """A checked ``add``: what will be bought and for how much a unit, not yet bought.

    A subscription costs nothing itself; its posts do. A drip-feed (``kind`` drip) pays for all its runs at once.
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
        self.orders: dict[str, Order] = {}
        self.refills: dict[str, Refill] = {}
        self.tickets: list[dict[str, str]] = []
        self.first_id = self.next_id = first_id
        self.ids = "growing"
        self.foreign_rate = 0.0
        self.fates: list[tuple[str, float]] = []
        self._random = random.Random(first_id)  # noqa: S311
        self._foreign_since: float | None = None
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._tie = count()

    # Time.

    def at(self, when: float, deed: Callable[[float], None]) -> None:
        heapq.heappush(self._due, (when, next(self._tie), deed))

    def tick(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            when, _, deed = heapq.heappop(self._due)
            self._others_order(when)
            deed(when)
        self._others_order(now)

    def _others_order(self, now: float) -> None:
        since, self._foreign_since = self._foreign_since, now
        if since is None or not self.foreign_rate or now <= since:
            return
        whole, rest = divmod((now - since) * self.foreign_rate, 1)
        self.burn(int(whole))
        self._foreign_since = now - rest / self.foreign_rate

    # Ids.

    def burn(self, number: int = 1) -> str:
        """Give ``number`` ids to other customers; the last one is returned."""
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

    def place(self, purchase: Purchase, now: float, parent: Order | None = None) -> Order:
        """Accept one order: an id, the charge off the balance, a line in the journal, its future laid out."""
        script = read_script(purchase.link)
        seconds = self.seconds if script.after is None else script.after
        fate = purchase.fate or script.fate
        if not fate or not is_fate(fate):
            fate = self._drawn_fate(purchase.quantity)
        return self._write(
            {
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
                "next_id": self.next_id,
            }
        )

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

    def _write(self, event: dict[str, Any]) -> Order:
        order = self._enter(event)
        self.record.write(event)
        return order

    def _enter(self, event: Mapping[str, Any]) -> Order:
        kind: Kind = event["kind"]
        order = Order(
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
            steps=_steps(event),
            start_count=zlib.crc32(event["link"].encode("utf-8", "replace")) % 50_000,
            currency=event["currency"],
            kind=kind,
            parent=event["parent"],
            fault=event["fault"],
        )
        self.orders[order.id] = order
        self.balance -= order.charge
        if order.parent in self.orders:
            self._join(self.orders[order.parent], order)
        if kind == "plain":
            self._lay_out(order)
        else:
            self._lay_out_children(order, event["runs"], event["gap"], event["seconds"])
        return order

    def _lay_out(self, order: Order) -> None:
        """Let the balance follow the steps still to come: a refund, or a charge that comes back."""
        version = order.version
        for index in range(1, len(order.steps)):
            difference = order.charged_in(index - 1) - order.charged_in(index)
            if difference:
                self.at(order.arrived + order.steps[index].at, _Refund(self, order, version, difference))

    def _lay_out_children(self, parent: Order, runs: int, gap: float, seconds: float) -> None:
        for run in range(runs):
            self.at(parent.arrived + gap * run + seconds * 0.05, _Run(self, parent, run, runs))

    def _join(self, parent: Order, child: Order) -> None:
        parent.children.append(child.id)
        if parent.kind == "drip":
            # The parent paid for all its runs at once, so a run that begins costs nothing more.
            self.balance += child.charge

    # Changing.

    def refate(self, order: Order, fate: str, *, now: float, after: float = 0.0) -> None:
        """Give an order another ending, ``after`` seconds from now. Raise ValueError for an unknown fate."""
        event = {"event": "refate", "order": order.id, "fate": fate, "at": now, "after": after}
        self._refate(order, event)
        self.record.write(event)

    def _refate(self, order: Order, event: Mapping[str, Any]) -> None:
        age = event["at"] - order.arrived
        kept = [step for step in order.steps if step.at <= age]
        kept.append(replace(kept[-1], at=age, remains=order.remains(event["at"])))
        ending = tail(event["fate"], order.quantity, self.seconds, age + event["after"])
        order.version += 1
        order.fate = event["fate"]
        order.steps = (*kept, *ending)
        for index in range(len(kept), len(order.steps)):
            difference = order.charged_in(index - 1) - order.charged_in(index)
            if difference:
                self.at(order.arrived + order.steps[index].at, _Refund(self, order, order.version, difference))

    def refill(self, order: Order, *, now: float, fate: str = "completed") -> Refill:
        event = {"event": "refill", "refill": str(len(self.refills) + 1), "order": order.id, "asked": now}
        event |= {"seconds": self.seconds, "fate": fate}
        self.record.write(event)
        return self._refill(event)

    def _refill(self, event: Mapping[str, Any]) -> Refill:
        refill = Refill(event["refill"], event["order"], event["asked"], event["seconds"], event["fate"])
        self.refills[refill.id] = refill
        return refill

    def ticket(self, fields: Mapping[str, str]) -> str:
        ticket = {"ticket": str(12345 + len(self.tickets)), **fields}
        self.record.write({"event": "ticket", "ticket": ticket})
        self.tickets.append(ticket)
        return ticket["ticket"]

    def adjust(self, amount: Decimal) -> None:
        """Move the balance by something that is no order: a top-up, a correction, another spender."""
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
    books: Books
    order: Order
    version: int
    amount: Decimal

    def __call__(self, now: float) -> None:
        if self.order.version == self.version:
            self.books.balance += self.amount


@dataclass(slots=True)
class _Run:
    books: Books
    parent: Order
    run: int
    runs: int

    def __call__(self, now: float) -> None:
        parent = self.parent
        if self.run < len(parent.children):
            return
        quantity = parent.quantity // self.runs if parent.kind == "drip" else _post_size(parent, self.run)
        purchase = Purchase(parent.service, parent.link, quantity, parent.fields, parent.unit, parent.sha256)
        self.books.place(purchase, now, parent)


def _post_size(parent: Order, run: int) -> int:
    low, high = int(parent.fields["min"]), int(parent.fields["max"])
    return low + zlib.crc32(f"{parent.link}/{run}".encode()) % (high - low + 1)


def _steps(event: Mapping[str, Any]) -> tuple[Step, ...]:
    seconds, runs, gap, kind = event["seconds"], event["runs"], event["gap"], event["kind"]
    if kind == "plain":
        return life(event["fate"], event["quantity"], seconds)
    end = gap * (runs - 1) + seconds * 1.1
    last = "Completed"
    if kind == "subscription":
        last = {"expired": "Expired", "canceled": "Canceled", "paused": "Paused"}.get(event["fate"], last)
        return (Step(0.0, "Active", 0, 0), Step(end, last, 0, 0))
    total = event["quantity"]
    return (
        Step(0.0, "Pending", total, total),
        Step(seconds * 0.1, "In progress", total, total),
        Step(end, last, 0, total),
    )
