"""Run the shop and the bare floor in turn; report both medians and their ratio."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any


class Skipped(Exception):
    """The figure cannot be measured on this machine; the message says why."""


@dataclass
class Figure:
    """One figure. With ``unit`` "s" it is a duration (less is better), otherwise a rate (more is better).

    ``ratio`` is ours ÷ floor: for a duration how many times longer, for a rate the share of the floor.
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
    """Run each once to warm up, then ``repeats`` times in turn, so that a slow minute of the machine hits both.

    The order alternates, so that what a run leaves for the next, such as tables to vacuum, hits both as well.
    """
    floor()
    ours()
    pair = [(floor, figure.floor), (ours, figure.ours)]
    for _ in range(repeats):
        for run, runs in pair:
            runs.append(run())
        pair.reverse()
    return figure


def seconds(action: Callable[[], Any]) -> float:
    """Run ``action``; return the seconds it took."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@contextmanager
def cpu_of(spent: list[float]) -> Iterator[None]:
    """Append the CPU seconds that all threads of this process used in the block."""
    began = time.process_time()
    yield
    spent.append(time.process_time() - began)
