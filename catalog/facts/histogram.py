"""Times counted in fixed steps, each 15 % wide: histograms of days can be added, and their sum has a median.

A step is a number. Step 0 is less than a minute, since nobody is shown less; step k begins at ``BOUNDS[k - 1]``
seconds; the last one is everything from about three months on. A figure read from a histogram is at most 15 % off.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

_LONGEST = 90 * 24 * 3600


def _bounds() -> tuple[int, ...]:
    bounds = [60]
    while bounds[-1] < _LONGEST:
        bounds.append(bounds[-1] * 115 // 100)
    return tuple(bounds)


#: Where steps 1, 2, … begin, in whole seconds, so that Postgres (``width_bucket``) and Python agree on each of them.
BOUNDS = _bounds()

#: How many were in each step.
Histogram = Mapping[int, int]


def step_of(seconds: int) -> int:
    """Return the step that a time falls into."""
    return bisect_right(BOUNDS, seconds)


def add_up(stored: Iterable[Mapping[str, int]]) -> dict[int, int]:
    """Return the sum of histograms as they are stored, with steps as text."""
    total: dict[int, int] = {}
    for counts in stored:
        for step, n in counts.items():
            total[int(step)] = total.get(int(step), 0) + n
    return total


def size(times: Histogram) -> int:
    """Return how many times were counted."""
    return sum(times.values())


def within(times: Histogram, tenths: int) -> int | None:
    """Return the seconds within which ``tenths`` tenths of the times lie (5: the median), None without any.

    Inside a step the times are taken to be spread evenly; of the open last one its beginning is returned.
    """
    rank = -(-size(times) * tenths // 10)
    before = 0
    for step in sorted(times):
        n = times[step]
        if n and before + n >= rank:
            low = BOUNDS[step - 1] if step else 0
            high = BOUNDS[step] if step < len(BOUNDS) else low
            return low + -(-(high - low) * (rank - before) // n)
        before += n
    return None
