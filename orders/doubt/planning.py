"""Which ids to ask for next. Pure, like the rules it serves."""

from collections.abc import Sequence

from orders.doubt import named
from orders.doubt.missing_charges import awaits_charge
from orders.doubt.owners import in_bracket, is_unexplained
from orders.doubt.passes import covers, passes_over
from orders.doubt.picture import Picture, Standing, UncertainAttempt

Range = tuple[int, int]


def wanted(picture: Picture, newest: int | None) -> list[Range]:
    """Return the ranges that some doubt needs searched now, joined where they meet; both bounds are own ids, exclusive.

    ``newest`` is the greatest own id known, None when there is none. One pass serves every doubt it covers.
    """
    if newest is None:
        return []
    found = [r for a in picture.attempts if a.is_open for r in _wanted_by(a, picture, newest)]
    found += [between for a in picture.attempts if (between := named.range_to_search(a, picture)) is not None]
    return joined(found, picture.widest)


def to_ask_again(picture: Picture) -> list[int]:
    """Return the ids of unknown charge that a doubt waits for, and whose turn it is; ascending."""
    doubts = [attempt for attempt in picture.attempts if attempt.is_open or attempt.standing is Standing.NAMED]
    waiting = [own for own in picture.ids if is_unexplained(own) and awaits_charge(own)]
    return sorted(
        own.number
        for own in waiting
        if is_due_again(own.first_seen, own.asked_at, now=picture.now, settle=picture.times.settle)
        and any(a.sent_at <= own.first_seen and in_bracket(a, own.number) for a in doubts)
    )


def is_due_again(first_seen: float, asked_at: float | None, *, now: float, settle: float) -> bool:
    """True if it is time to ask again about an id with an unknown charge; all in seconds.

    The pause grows with the time since it was first seen, from a twentieth to twice ``settle``: by default from half a
    minute to twenty minutes, which is nine calls in the first ten minutes and three an hour in the end.
    """
    asked_at = first_seen if asked_at is None else asked_at
    return now >= asked_at + min(max(settle * 0.05, (asked_at - first_seen) / 2), settle * 2)


def joined(ranges: Sequence[Range], widest: int) -> list[Range]:
    """Return the same ids in as few ranges as possible, ascending. None is joined beyond ``widest`` ids."""
    out: list[Range] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] and (high <= out[-1][1] or high - out[-1][0] - 1 <= widest):
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def _wanted_by(attempt: UncertainAttempt, picture: Picture, newest: int) -> list[Range]:
    """Return the whole bracket of a doubt once T_settle is over, else what a first look covers; [] if none is due."""
    low, high, settled = attempt.low, attempt.high, attempt.last_sent + picture.times.settle
    if low is None or newest <= low:
        return []
    if high is None or picture.now < settled:
        return [(low, min(newest, low + picture.widest + 1))] if _look_is_due(attempt, low, picture) else []
    if high - low - 1 > picture.widest or passes_over(attempt, picture) is not None:
        return []
    last = max((p.finished for p in picture.passes if covers(p, low, high)), default=None)
    is_too_soon = last is not None and settled <= last and picture.now < last + picture.times.gap
    return [] if is_too_soon else [(low, high)]


def _look_is_due(attempt: UncertainAttempt, low: int, picture: Picture) -> bool:
    """True if one of the two looks soon after the send is due.

    They find most ids before their state moves, after which a charge shows nothing any more.
    """
    for after in reversed(picture.times.looks):
        if picture.now >= attempt.sent_at + after:
            since = attempt.sent_at + after
            return not any(p.started >= since and a <= low < b for p in picture.passes for a, b in p.ranges)
    return False
