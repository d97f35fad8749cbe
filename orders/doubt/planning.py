"""Which ids to ask for next. Pure, like the rules it serves."""

from collections.abc import Sequence

from orders.doubt.bracket import covers, passes_over
from orders.doubt.picture import Attempt, Picture

Range = tuple[int, int]


def wanted(picture: Picture, newest: int | None) -> list[Range]:
    """The ranges that some doubt needs searched now, joined where they meet; both bounds are own ids, exclusive.

    ``newest`` is the greatest own id known, None when there is none. One pass serves every doubt it covers.
    """
    if newest is None:
        return []
    found = [r for a in picture.attempts if a.is_open for r in _wanted_by(a, picture, newest)]
    return joined(found, picture.widest)


def joined(ranges: Sequence[Range], widest: int) -> list[Range]:
    """The same ids in as few ranges as possible, ascending, none wider than it is or may be."""
    out: list[Range] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] and (high <= out[-1][1] or high - out[-1][0] - 1 <= widest):
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def _wanted_by(attempt: Attempt, picture: Picture, newest: int) -> list[Range]:
    if attempt.low is None or newest <= attempt.low:
        return []
    if attempt.high is not None and picture.now >= attempt.sent_at + picture.times.settle:
        return _full_pass(attempt, attempt.low, attempt.high, picture)
    if _look_is_due(attempt, attempt.low, picture):
        return [(attempt.low, min(newest, attempt.low + picture.widest + 1))]
    return []


def _full_pass(attempt: Attempt, low: int, high: int, picture: Picture) -> list[Range]:
    if high - low - 1 > picture.widest or passes_over(attempt, picture) is not None:
        return []
    last = max((p.finished for p in picture.passes if covers(p, low, high)), default=None)
    is_early = last is not None and last >= attempt.sent_at + picture.times.settle
    if is_early and last is not None and picture.now < last + picture.times.gap:
        return []
    return [(low, high)]


def _look_is_due(attempt: Attempt, low: int, picture: Picture) -> bool:
    """Two looks soon after the send find most ids before their state moves and their charge stops telling."""
    for after in reversed(picture.times.looks):
        if picture.now >= attempt.sent_at + after:
            since = attempt.sent_at + after
            return not any(p.started >= since and a <= low < b for p in picture.passes for a, b in p.ranges)
    return False
