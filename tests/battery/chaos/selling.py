"""Buyers: they order directly and over HTTP, at the pace of the shop, and remember every order they were told of."""

import hashlib
import json
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import Error as DatabaseError
from django.db import connection

from core.clock import database_now
from orders.checkout.placement import place_order
from orders.mass.placing import place_lines
from orders.mass.reading import read_lines
from orders.models import Order
from tests.battery.chaos.cast import Cast
from tests.battery.chaos.deck import PlannedOrder

_HTTP_SECONDS = 10
#: Of the orders that are placed directly, one in so many is a line of a mass order of LINES.
_EACH_MASS = 8
LINES = 20


@dataclass
class Receipts:
    """What buyers were told: order ids by the order's number, over HTTP only those that were answered with 200.

    ``failed`` counts tries that came to nothing, ``took`` the seconds of each that succeeded. ``masses`` has the lines
    of each mass order by its nonce, from before its first try.
    """

    orders: dict[int, int] = field(default_factory=dict)
    by_http: int = 0
    failed: int = 0
    took: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    masses: dict[str, int] = field(default_factory=dict)


class Crowd:
    """Threads that work a list of orders off. ``url`` is the shop's address. The queue may be ``most_waiting`` long,
    counting all orders, or those at ``only`` some of the shop's providers. A mass order has ``lines``; what is left at
    the end of a sale is a shorter one.

    Each try of an order carries the same name, so a buyer may ask again after an error without buying twice.
    """

    def __init__(
        self,
        cast: Cast,
        url: str,
        *,
        threads: int = 6,
        most_waiting: int = 120,
        only: Sequence[int] | None = None,
        lines: int = LINES,
    ) -> None:
        self.cast = cast
        self._queue = {"forward_state": "queued"} | ({} if only is None else {"provider__in": only})
        self.url = url
        self.receipts = Receipts()
        self.most_waiting = most_waiting
        self.lines = lines
        self._planned: queue.Queue[list[PlannedOrder] | None] = queue.Queue(maxsize=threads * 2)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._buy, name=f"buyer {n}") for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def sell(self, planned: Iterable[PlannedOrder], *, a_second: float | None = None) -> None:
        """Hand the orders to the buyers: as fast as the queue of the shop allows, and at most so many a second."""
        due, mass = time.monotonic(), list[PlannedOrder]()
        for place, order in enumerate(planned):
            if a_second is not None:
                due = max(due + 1 / a_second, time.monotonic())
                time.sleep(max(0.0, due - time.monotonic()))
            if place % 10 == 0:
                self._wait_for_room()
            if self._stop.is_set():
                return
            if not _is_mass(order):
                self._planned.put([order])
                continue
            mass.append(order)
            if len(mass) == self.lines:
                self._planned.put(mass)
                mass = []
        if mass:
            self._planned.put(mass)

    def _wait_for_room(self) -> None:
        while not self._stop.is_set():
            with suppress(DatabaseError):
                if Order.objects.filter(**self._queue).count() <= self.most_waiting:
                    return
            connection.close()
            self._stop.wait(0.2)

    def go_home(self) -> None:
        """Wait until what was handed over is bought, and end the threads."""
        for _ in self._threads:
            self._planned.put(None)
        for thread in self._threads:
            thread.join()

    def leave(self) -> None:
        """End at once: the run has failed."""
        self._stop.set()
        while True:
            with suppress(queue.Empty):
                self._planned.get_nowait()
                continue
            break
        self.go_home()

    def _buy(self) -> None:
        while (orders := self._planned.get()) is not None:
            directly = self._in_a_mass_order if _is_mass(orders[0]) else self._directly
            self._insist(orders, self._over_http if orders[0].by_http else directly)
        connection.close()

    def _insist(self, orders: list[PlannedOrder], buy: Callable[[list[PlannedOrder]], list[int]]) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            try:
                numbers = buy(orders)
            except (DatabaseError, OSError, ValueError) as problem:
                if not isinstance(problem, OSError | ValueError):
                    connection.close()
                with self._lock:
                    self.receipts.failed += 1
                    self.receipts.refused.append(f"{type(problem).__name__}: {problem}"[:200])
                self._stop.wait(0.2)
                continue
            with self._lock:
                for order, number in zip(orders, numbers, strict=False):
                    self.receipts.orders[order.number] = number
                    self.receipts.by_http += order.by_http
                self.receipts.took.append(time.monotonic() - began)
            return

    def _directly(self, orders: list[PlannedOrder]) -> list[int]:
        [order] = orders
        placed = place_order(
            customer=self.cast.customers[order.wallet],
            service_id=self.cast.services[order.provider],
            fields={"link": order.link, "quantity": str(order.quantity)},
            nonce=f"battery-{order.number}",
            now=database_now(),
        )
        return [placed.order.pk]

    def _in_a_mass_order(self, orders: list[PlannedOrder]) -> list[int]:
        """All lines from the wallet of the first one."""
        nonce, services = f"battery-{orders[0].number}", self.cast.services
        with self._lock:
            self.receipts.masses[nonce] = len(orders)
        text = "\n".join(f"{services[order.provider]} | {order.link} | {order.quantity}" for order in orders)
        placed = place_lines(
            customer=self.cast.customers[orders[0].wallet],
            lines=read_lines(text),
            shown={services[order.provider]: Decimal(1_000_000) for order in orders},
            nonce=nonce,
            now=database_now(),
        )
        return list(placed.mass.numbers)

    def _over_http(self, orders: list[PlannedOrder]) -> list[int]:
        [order] = orders
        fields = {
            "key": self.cast.keys[order.wallet],
            "action": "add",
            "service": str(self.cast.services[order.provider]),
            "link": order.link,
            "quantity": str(order.quantity),
            "request_id": f"battery-{order.number}",
        }
        body = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(f"{self.url}/api/v2", body)  # noqa: S310 - an address of this machine
        with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as answer:  # noqa: S310
            said = json.loads(answer.read())
        if "order" not in said:
            raise ValueError(f"the shop said {said}")
        return [int(said["order"])]


def together(several: Iterable[Receipts]) -> Receipts:
    out = Receipts()
    for one in several:
        out.orders |= one.orders
        out.masses |= one.masses
        out.failed += one.failed
    return out


def _is_mass(order: PlannedOrder) -> bool:
    return not order.by_http and order.number % _EACH_MASS == 0


def parted(receipts: Receipts) -> list[str]:
    """Return the mass orders of which some lines were placed and others not, as the judge says that something broke."""
    found = []
    for nonce, lines in receipts.masses.items():
        placed = Order.objects.filter(nonce__startswith=f"{hashlib.sha256(nonce.encode()).hexdigest()[:40]}:").count()
        if placed not in (0, lines):
            found.append(f"N1 is broken (all lines of a mass order are placed, or none): {nonce}: {placed} of {lines}")
    return found


def acknowledged(receipts: Receipts) -> dict[int, Decimal]:
    """The charge of each order somebody was told of. Read from the rows, so a lost order shows as missing later."""
    charges = dict(Order.objects.values_list("pk", "charge"))
    return {pk: charges.get(pk, Decimal(-1)) for pk in receipts.orders.values()}
