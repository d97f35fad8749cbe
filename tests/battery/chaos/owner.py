"""The owner, who looks into the provider's own panel and decides what the shop could not find out."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from catalog.models import Provider
from catalog.providers.health import HELD, NO_FUNDS, unpark
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import Actor
from orders import decisions
from orders.models import Order
from orders.states import Forward
from tests.battery.chaos.world import World, forgiving

#: Never told to the shop, so each of them is a difference that must have its row.
_DEPOSIT = 50
ACTOR = Actor(code="staff:1", name="owner@example.com")
Logs = Mapping[int, Sequence[Mapping[str, Any]]]


@dataclass
class Owner:
    """``decided`` counts decisions that took effect, ``put_off`` those that were refused for now."""

    decided: int = 0
    put_off: int = 0
    unparked: int = 0
    deposits: int = 0
    refusals: list[str] = field(default_factory=list)
    _paid_in: dict[int, datetime | None] = field(default_factory=dict)

    def empty_the_queue(self, logs: Logs) -> int:
        """Decide about every order in review; how many were decided."""
        before = self.decided
        upstream = {(pk, row["link"]): str(row["order"]) for pk, log in logs.items() for row in log}
        for order in Order.objects.filter(forward_state=Forward.REVIEW):
            try:
                self.decided += self._decide(order, upstream.get((order.provider_id, order.link)), database_now())
            except Refusal as refusal:
                self.put_off += 1
                self.refusals.append(f"order {order.pk}: {refusal}")
        return self.decided - before

    @staticmethod
    def _decide(order: Order, upstream_id: str | None, now: datetime) -> bool:
        reason = "seen in the provider's panel"
        if upstream_id is not None:
            return decisions.decide_placed(
                order_id=order.pk, upstream_id=upstream_id, actor=ACTOR, reason=reason, now=now
            )
        return decisions.decide_not_placed(order_id=order.pk, refund=False, actor=ACTOR, reason=reason, now=now)

    def lift_parkings(self, world: World) -> None:
        """What only an owner ends: unknown words are read, and an account that is called empty gets more money."""
        parked = Provider.objects.filter(parked_at__isnull=False)
        for pk, reason, since, read_at in parked.values_list("pk", "parked_reason", "parked_at", "balance_at"):
            # Nobody pays in before the shop has read what is left: from that reading on it waits for more.
            if reason == NO_FUNDS and read_at and since and read_at > since and self._paid_in.get(pk) != since:
                self._paid_in[pk] = since
                sim = world.providers[world.shop_ids.index(pk)]
                sim.control(balance=Decimal(sim.record(requests=0)["balance"]) + _DEPOSIT)
                self.deposits += 1
            elif reason in HELD:
                self.unparked += unpark(pk, now=database_now(), actor=ACTOR.name)

    @contextmanager
    def at_hand(self, world: World) -> Iterator[None]:
        """Somebody who answers alerts, but does not decide about doubts yet, for the length of the ``with``."""
        gone = threading.Event()

        def attend() -> None:
            while not gone.wait(0.3):
                with forgiving():
                    self.lift_parkings(world)
            connection.close()

        thread = threading.Thread(target=attend, name="owner")
        thread.start()
        try:
            yield
        finally:
            gone.set()
            thread.join()
