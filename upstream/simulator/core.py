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
from upstream.simulator.books import Books
from upstream.simulator.call import ApiCall
from upstream.simulator.catalog import Catalog
from upstream.simulator.demo_catalog import demo_catalog
from upstream.simulator.fault_plan import FaultPlan
from upstream.simulator.faults import spoil
from upstream.simulator.record import Record
from upstream.simulator.reply import Reply, error_reply, plain
from upstream.simulator.request_fields import read_fields
from upstream.simulator.state import ProviderState

FORM = "application/x-www-form-urlencoded"


class Simulator(ProviderState):
    """A provider with a catalog, a balance, orders that move with the clock, and faults on demand.

    ``seconds`` is how long an order takes unless its link says otherwise. ``clock`` gives seconds since the epoch.
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
        record = Record(journal)
        books = Books(record, balance=balance, currency=currency, seconds=seconds, first_id=first_id)
        super().__init__(catalog or demo_catalog(), key, record, books)
        self.plan = FaultPlan(seed)
        self.clock_offset = 0.0
        self._clock = clock
        for event in record.restore():
            books.restore(event)
        books.tick(self.now())

    def now(self) -> float:
        return self._clock() + self.clock_offset

    def handle(self, request: bytes | Mapping[str, str], content_type: str = FORM) -> Reply:
        """Take one request body (or its fields) and return the reply, spoiled by the fault drawn for it, if any."""
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
        call = ApiCall(action, fields, now, digest)
        refusal = None
        if not fields.get("key"):
            refusal = error_reply("API key is not specified")
        elif fields["key"] != self.key:
            refusal = error_reply("Invalid API key")
        if drawn:
            call = replace(call, fault=drawn.name, argument=drawn.argument, label=drawn.label)
            return spoil(self, call, drawn, refusal, between=self.plan.between)
        return refusal or answer(self, call)

    def facts(self, newest: int = 1000) -> dict[str, Any]:
        """Return the record as plain data: every accepted order, the ``newest`` requests, exact counters."""
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
