"""What must not slow down as finished orders pile up: each action in a shop with a few of them, and with a million.

Whole calls inside this process: a page with session, middleware and template, a call of the API with key and JSON.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.finished import add_copies, finish_a_dozen
from bench.growing import Action, actions
from bench.harness import seconds
from bench.stage import Stage
from upstream.simulator.running import running_simulator

if TYPE_CHECKING:
    from catalog.models import Provider

SMALL, LARGE = 1_000, 1_000_000
#: More than the copies of both sizes have.
_MOST_DAYS = 800


@dataclass
class Growth:
    """The milliseconds of one action at both sizes. ``goal`` is the most that the large one may take, None for none."""

    name: str
    sizes: tuple[int, int]
    goal: int | None
    small: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)

    def as_facts(self) -> dict[str, Any]:
        return {
            "name": self.name, "unit": "ms", "orders": list(self.sizes), "small": median(self.small),
            "large": median(self.large), "goal": self.goal, "small_runs": self.small, "large_runs": self.large,
        }  # fmt: skip

    def as_line(self) -> str:
        large = median(self.large)
        goal = "" if self.goal is None else f"  at most {self.goal:,}"
        missed = "  MISSED" if self.goal is not None and large > self.goal else ""
        return f"{self.name:<58} {median(self.small):>9,.1f} {large:>9,.1f} ms{goal}{missed}"


def figures(stage: Stage, *, orders: int, repeats: int, named: str = "") -> Iterator[Growth]:
    """Measure with a thousandth of ``orders``, then with all of them; only the actions that have ``named`` in them."""
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.API_RATE_PER_MINUTE = 1_000_000
    sizes = (max(1, orders * SMALL // LARGE), orders)
    with running_simulator(process=True, services=3, seconds=600) as panel:
        dozen = finish_a_dozen(panel)
        found: dict[str, Growth] = {}
        filled = 0
        for size, days in zip(sizes, (365, 0), strict=True):
            took = add_copies(stage, dozen, size - filled, days=days)
            filled = size
            done = Growth(f"filling up to {size:,} finished orders", sizes, None, [took * 1000], [took * 1000])
            if size == sizes[-1]:
                found[done.name] = done
            _leave_nothing_to_do(dozen.stocked.provider)
            for action in [action for action in actions(dozen) if named in action.name]:
                row = found.setdefault(action.name, Growth(action.name, sizes, action.goal))
                (row.large if size == sizes[-1] else row.small).extend(_runs(action, repeats))
    yield from found.values()


def _runs(action: Action, repeats: int) -> list[float]:
    """The milliseconds of each run but the first, which warms up."""
    taken = []
    for _run in range(1 + repeats):
        if action.before:
            action.before()
        taken.append(seconds(action.do) * 1000)
    return taken[1:]


def _leave_nothing_to_do(provider: "Provider") -> None:
    """Do what is due, so that the next round has no work.

    The provider's ids are looked at as if it knew the copies, and the money and the facts of all days are counted anew.
    """
    from datetime import timedelta

    from catalog.models import FactsState
    from core.clock import database_now
    from orders.doubt.evidence import newest_own_id
    from orders.facts import upkeep as facts
    from orders.models import ProbeSchedule
    from orders.profit import upkeep as profit
    from storefront.rounds import work_round

    day = database_now() + timedelta(days=1)
    seen = {"scanned_to": newest_own_id(provider), "calibrated_at": database_now(), "next_at": None}
    ProbeSchedule.objects.update_or_create(provider=provider, defaults={**seen, "next_scan_at": day})
    type(provider).objects.filter(pk=provider.pk).update(foreign_ids_refused=True, next_sync_at=day)
    profit.rebuild(now=database_now())
    FactsState.objects.update(time_zone="")
    for upkeep in (facts, profit):
        upkeep.keep_up(now=database_now(), days=_MOST_DAYS)
    for _round in range(2):
        work_round()
