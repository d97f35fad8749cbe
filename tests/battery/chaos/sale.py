"""A sale and its incidents in step: neither gets far ahead, so that trouble is spread over the whole sale."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from tests.battery.chaos.deck import PlannedOrder
from tests.battery.chaos.quiet import NeverQuiet

Incident = Callable[[], bool]
#: A sale that is ahead goes on at so many seconds an order. It must not stop: a kill aimed at a send waits for one.
_SLOWLY = 0.5


class Sale:
    """The ``orders`` are all sold, and those of ``more`` for as long as incidents are left after them.

    An incident tells whether it came to pass. ``planned`` counts them by name.
    """

    def __init__(self, orders: list[PlannedOrder], more: Iterable[PlannedOrder], incidents: list[Incident]) -> None:
        self.orders = orders
        self.more = more
        self.todo = list(incidents)
        self.whole = len(incidents)
        self.planned = dict(Counter(incident.__name__ for incident in incidents))
        self.gone = 0
        self.happened = 0
        self.missed = 0
        self.called_off = threading.Event()

    def __iter__(self) -> Iterator[PlannedOrder]:
        """The orders, as the buyers take them."""
        for order in chain(self.orders, self.more):
            if self._is_ahead and self.called_off.wait(_SLOWLY):
                return
            if self.gone >= len(self.orders) and not self.todo:
                return
            self.gone += 1
            yield order

    @property
    def _is_ahead(self) -> bool:
        """A miss lets some more orders go at once: a flush needs a backlog, and a few orders make none."""
        return self.gone * self.whole > (self.happened + self.missed + 2) * len(self.orders)

    @property
    def _is_incident_due(self) -> bool:
        return self.gone * (self.whole + 3) >= (self.happened + 1) * len(self.orders)

    def disturb(
        self, happen: Callable[[Incident], bool], look: Callable[[], None], *, limit: float, sellers: threading.Thread
    ) -> None:
        """Let every incident happen in its time, until all is sold; one that did not come to pass is tried again."""
        end = time.monotonic() + limit
        while sellers.is_alive():
            if time.monotonic() > end:
                raise NeverQuiet(f"after {limit} s {self.gone} of {len(self.orders)} orders were placed")
            look()
            if not self.todo or not self._is_incident_due:
                time.sleep(0.1)
            elif happen(self.todo[0]):
                self.happened += 1
                del self.todo[0]
            else:
                self.missed += 1
                # In one step: the sale looks meanwhile whether any is left.
                self.todo = [*self.todo[1:3], self.todo[0], *self.todo[3:]]
