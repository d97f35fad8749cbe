"""The simulated provider itself: from the bytes of a request to a reply, pure given a clock. No sockets here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from upstream.simulator.actions import ACTIONS, answer
from upstream.simulator.adding import Rejected
from upstream.simulator.books import Books
from upstream.simulator.call import Call
from upstream.simulator.catalog import Catalog
from upstream.simulator.demo_catalog import demo_catalog
from upstream.simulator.fault_plan import FaultPlan
from upstream.simulator.faults import spoil
from upstream.simulator.record import Record
from upstream.simulator.reply import Reply, error_reply, plain
from upstream.simulator.requests_in import read_fields

FORM = "application/x-www-form-urlencoded"
SWITCHES = {
    "refill": True,
    "cancel": True,
    "tickets": True,
    "orders": False,
    "drip_children": False,
    "one_order_per_link": False,
    "foreign_visible": False,
}


class Simulator:
    """A provider with a catalog, a balance, orders that move with the clock, and faults on demand.

    ``seconds`` is how long an order takes when nothing scripts it. ``clock`` gives seconds since the epoch.
    Raise OSError or ValueError when a journal cannot be read.
    """

    def __init__(
        self,
        catalog: Catalog | None = None,
        *,
        key: str = "demo-key",
        clock: Callable[[], float] = time.time,
        seed: int = 1,
        currency: str = "USD",
        balance: Decimal = Decimal(10_000),
        seconds: float = 20.0,
        journal: str | Path | None = None,
        first_id: int = 23_501,
    ) -> None:
        self.catalog = catalog or demo_catalog()
        self.key = key
        self.switches = dict(SWITCHES)
        self.plan = FaultPlan(seed)
        self.record = Record(journal)
        self.books: Books = Books(self.record, balance=balance, currency=currency, seconds=seconds, first_id=first_id)
        self.calm = False
        self.charge_places: int | None = None
        self.late_seconds = (5.0, 120.0)
        self.redirect_to = "http://127.0.0.1:9/_sim/redirect-target"
        self.clock_offset = 0.0
        self._clock = clock
        for event in self.record.restore():
            self.books.restore(event)
        self.books.tick(self.now())

    def now(self) -> float:
        return self._clock() + self.clock_offset

    def handle(self, request: bytes | Mapping[str, str], content_type: str = FORM) -> Reply:
        """Take one request body (or its fields) and give the reply, with the fault drawn for it already in it."""
        body = request if isinstance(request, bytes) else urlencode(request).encode()
        fields = read_fields(body, content_type)
        now = self.now()
        self.books.tick(now)
        action = fields.get("action", "")
        link = fields.get("link", "")
        drawn = self.plan.draw(action, link)
        digest = hashlib.sha256(body).hexdigest()
        known = action if action in ACTIONS else "other"
        self.record.request(action=known, at=now, fault=drawn.label if drawn else None, digest=digest, link=link)
        call = Call(action, fields, now, digest)
        if drawn:
            call = replace(call, fault=drawn.name, argument=drawn.argument, label=drawn.label)
        refusal = self._refuse_key(fields)
        if drawn:
            return spoil(self, call, drawn, refusal)
        return refusal or answer(self, call)

    def _refuse_key(self, fields: Mapping[str, str]) -> Reply | None:
        if not fields.get("key"):
            return error_reply("API key is not specified")
        return None if fields["key"] == self.key else error_reply("Invalid API key")

    def demand(self, capability: str) -> None:
        """Raise Rejected when this provider does not offer an action."""
        if not self.switches[capability]:
            raise Rejected("Incorrect request")

    def shows_foreign(self, number: str) -> bool:
        """Whether ``status`` tells about another customer's order; a provider that does breaks a safe assumption."""
        return self.switches["foreign_visible"] and self.books.is_foreign(number)

    def facts(self, newest: int = 1000) -> dict[str, Any]:
        """The record as plain data: every accepted order, the ``newest`` requests, exact counters."""
        now = self.now()
        self.books.tick(now)
        record = self.record
        return {
            "now": now,
            "balance": plain(self.books.balance),
            "currency": self.books.currency,
            "next_id": self.books.next_id,
            "orders": [order.as_record(now) for order in self.books.orders.values()],
            "refills": [
                {"refill": refill.id, "order": refill.order, "asked": refill.asked, "status": refill.status(now)}
                for refill in self.books.refills.values()
            ],
            "tickets": self.books.tickets,
            "requests": {
                "total": record.actions.total(),
                "actions": dict(record.actions),
                "newest": list(record.requests)[-newest:],
            },
            "faults": dict(record.faults),
            "connections": record.connections,
            "unread": record.unread,
            "other": record.other,
            "redirected": record.redirected,
        }
