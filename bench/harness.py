"""Takes turns between our way and the bare one, and reports both medians and their ratio."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any


class Skipped(Exception):
    """The figure cannot be taken on this machine; the message is the plain reason."""


@dataclass
class Figure:
    """One figure. ``unit`` "s" is a duration, where less is better; anything else is a rate, where more is better.

    ``ratio`` is ours ÷ floor: for a duration how many times longer, for a rate which share of the floor is reached.
    """

    name: str
    unit: str
    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""

    @property
    def ratio(self) -> float | None:
        return median(self.ours) / median(self.floor) if self.ours and self.floor and median(self.floor) else None

    def as_facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": self.name, "unit": self.unit}
        if self.skipped:
            return {**facts, "skipped": self.skipped}
        return facts | {
            "ours": median(self.ours),
            "floor": median(self.floor),
            "ratio": self.ratio,
            "ours_runs": self.ours,
            "floor_runs": self.floor,
            "notes": self.notes,
        }

    def as_line(self) -> str:
        if self.skipped:
            return f"{self.name}: skipped, {self.skipped}"
        digits = 3 if self.unit == "s" else 0
        ours, floor = f"{median(self.ours):,.{digits}f}", f"{median(self.floor):,.{digits}f}"
        notes = "".join(f"\n    {name}: {value}" for name, value in self.notes.items())
        return f"{self.name}\n    ours {ours} {self.unit}, floor {floor} {self.unit}, ratio {self.ratio:.2f}{notes}"


def take(figure: Figure, ours: Callable[[], float], floor: Callable[[], float], *, repeats: int) -> Figure:
    """One warm-up of each, then ``repeats`` of each in turn, so that a slow minute of the machine hits both.

    They change places each time: what a run leaves behind for the next, such as tables to vacuum, hits both as well.
    """
    floor()
    ours()
    pair = [(floor, figure.floor), (ours, figure.ours)]
    for _ in range(repeats):
        for run, runs in pair:
            runs.append(run())
        pair.reverse()
    return figure


def seconds(deed: Callable[[], Any]) -> float:
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


@contextmanager
def cpu_of(spent: list[float]) -> Iterator[None]:
    """Add the seconds of CPU that this process, all of its threads, used inside the block."""
    began = time.process_time()
    yield
    spent.append(time.process_time() - began)
