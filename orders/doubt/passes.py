"""Which searches prove that a bracket was seen whole. Pure."""

import bisect
from operator import itemgetter

from orders.doubt.picture import Picture, SearchPass, UncertainAttempt

_lower_end = itemgetter(0)


def passes_over(attempt: UncertainAttempt, picture: Picture) -> tuple[SearchPass, SearchPass] | None:
    """Return two full passes over the attempt's bracket that prove what is in it; None while there are none.

    Both began after T_settle, far enough apart, and the second saw nothing new in the bracket.
    """
    if attempt.low is None or attempt.high is None:
        return None
    low, high, settled = attempt.low, attempt.high, attempt.last_sent + picture.times.settle
    full = [p for p in picture.passes if p.started >= settled and covers(p, low, high)]
    for second in full:
        if any(low < number < high for number in second.new):
            continue
        first = next((p for p in full if p.finished + picture.times.gap <= second.started), None)
        if first is not None:
            return first, second
    return None


def covers(search: SearchPass, low: int, high: int) -> bool:
    """True if one of the ranges, which ascend at both ends, holds everything between the bounds."""
    at = bisect.bisect_right(search.ranges, low, key=_lower_end)
    return at > 0 and search.ranges[at - 1][1] >= high
