"""Lengths of the bars on the page of a service, in the units of their SVG: whole numbers, as text."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.facts.service_facts import Day, Period

#: Both drawings are 1,000 units wide.
WIDTH, HEIGHT, GAP = 1000, 60, 4


@dataclass(frozen=True)
class Bar:
    """``kind`` is the class that gives the colour."""

    x: str
    y: str
    width: str
    height: str
    kind: str


def share_bars(period: Period) -> list[Bar]:
    """Return a bar for each way in which the orders of a period ended, side by side, as wide as its share."""
    ends = [("s-whole", period.whole.n), ("s-part", period.partial.n), ("s-canc", period.canceled.n)]
    shown = [(kind, n) for kind, n in ends if n]
    room, bars, x = WIDTH - GAP * (len(shown) - 1), [], 0
    for kind, n in shown:
        width = max(2, room * n // period.ended)
        bars.append(Bar(str(x), "0", str(width), "10", kind))
        x += width + GAP
    return bars


def day_bars(days: Sequence[Day]) -> list[Bar]:
    """Return a bar for each day that has a median, as high as it is; the last day is today."""
    times = [int(day.starts.total_seconds()) if day.starts else 0 for day in days]
    highest = max(times, default=0)
    if not highest:
        return []
    step = WIDTH // len(times)
    bars = []
    for n, seconds in enumerate(times):
        if seconds:
            height = max(2, (HEIGHT - 6) * seconds // highest)
            kind = "is-today" if n == len(times) - 1 else ""
            bars.append(
                Bar(str(n * step + step * 3 // 10), str(HEIGHT - height), str(step * 2 // 5), str(height), kind)
            )
    return bars
