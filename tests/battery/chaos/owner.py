"""The owner, who looks into the provider's own panel and decides what the shop could not find out."""

import threading
from collections.abc import Iterator
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
from orders.models import ForwardAttempt, Order
from orders.states import Forward
from tests.battery.chaos.world import World, forgiving

#: Never told to the shop, so each of them is a difference that must have its row.
_DEPOSIT = 50
ACTOR = Actor(code="staff:1", name="owner@example.com")


@dataclass
class Owner:
    """``decided`` counts decisions that took effect, ``put_off`` those that were refused for now."""

    decided: int = 0
    put_off: int = 0
    unparked: int = 0
    deposits: int = 0
    refusals: list[str] = field(default_factory=list)
    _paid_in: dict[int, datetime | None] = field(default_factory=dict)

    def empty_the_queue(self, world: World) -> int:
        """Decide about every order in review; how many were decided.

        The panel is looked at after the orders, and each decision names the attempt that it is about: what was sent
        meanwhile, or may still arrive, is not what the owner saw.
        """
        before = self.decided
        in_review = Order.objects.filter(forward_state=Forward.REVIEW)
        seen = [(order, decisions.doubtful_attempt(order)) for order in in_review]
        looked_at = database_now()
        upstream = {(pk, row["link"]): str(row["order"]) for pk, log in world.logs().items() for row in log}
        for order, attempt in seen:
            if attempt is None:
                continue
            try:
                self.decided += self._decide(attempt, upstream.get((order.provider_id, order.link)), looked_at)
            except Refusal as refusal:
                self.put_off += 1
                self.refusals.append(f"order {order.pk}: {refusal}")
        return self.decided - before

    @staticmethod
    def _decide(attempt: ForwardAttempt, upstream_id: str | None, looked_at: datetime) -> bool:
        about: dict[str, Any] = {"order_id": attempt.order_id, "attempt_id": attempt.pk}
        about |= {"actor": ACTOR, "reason": "seen in the provider's panel"}
        if upstream_id is not None:
            return decisions.decide_placed(**about, upstream_id=upstream_id, now=database_now())
        # The decision is as old as the look, so that an order whose time is not over by then is put off.
        return decisions.decide_not_placed(**about, refund=False, now=looked_at)

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
