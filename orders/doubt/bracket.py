"""The rules by which a doubt is decided. Pure: a picture goes in, verdicts come out.

The argument: ids are one growing counter, so whatever an attempt placed lies between an own id known before it was
sent and an own id sent T_settle later. Ids of other customers are refused. Every own id that nobody explains was
therefore placed by one of the attempts that could have placed it; where only one could, it did, and where a doubt's
bracket was searched twice and holds nothing that could be its own, nothing was placed. Nothing is ever concluded from
the order of ids. Each rule is a function, so that a test can break one and see what that costs.
"""

import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from operator import itemgetter

from orders.doubt.picture import (
    AskOwner,
    Contradiction,
    Parent,
    Picture,
    ProvenNotPlaced,
    ProvenPlaced,
    SearchPass,
    SeenId,
    Standing,
    UncertainAttempt,
    Verdict,
    Wait,
)
from orders.doubt.untold import (
    MOVED,
    awaits_charge,
    has_its_quantity,
    is_of_another_quantity,
    names_charge,
    shows_quantity,
)
from orders.states import Explanation, Shape

_DAY = 86_400.0
_lower_end = itemgetter(0)


def judge(picture: Picture) -> list[Verdict]:
    """One verdict for each open doubt, and any contradictions. Placed verdicts come before negative ones.

    Each verdict takes an owner away, which may decide another doubt; so everything is looked at again after each.
    """
    owned = ownership(picture)
    verdicts: list[Verdict] = [*contradictions(picture, owned)]
    while (verdict := next_verdict(picture, owned)) is not None:
        verdicts.append(verdict)
        picture = _after(picture, verdict)
        owned = ownership(picture)
    return verdicts + [_undecided(picture, a, owned) for a in picture.attempts if a.is_open]


def next_verdict(picture: Picture, owned: "Owned") -> ProvenPlaced | ProvenNotPlaced | None:
    """The next verdict to be reached, the surest kind first; None when there is none."""
    return next_placed(picture, owned) or next_by_quantity(picture, owned) or next_not_placed(picture)


# Who can own an id.


def is_unexplained(own: SeenId) -> bool:
    """An orphan stays unexplained: listing an id for the owner does not show who placed it."""
    return own.explained in (None, Explanation.ORPHAN)


def in_bracket(attempt: UncertainAttempt, number: int) -> bool:
    """Open below when no own id was known before, open above until one was sent late enough."""
    above = attempt.low is None or number > attempt.low
    return above and (attempt.high is None or number < attempt.high)


def is_telling(own: SeenId) -> bool:
    """Whether the answer about an id can show whose it is. One that cannot still blocks "not placed"."""
    if own.answer is None or own.answer.state in MOVED:
        return False
    return own.answer.shape is not Shape.PLAIN or names_charge(own.answer)


def charge_fits(charge: Decimal | None, expected: Decimal | None, unit: Decimal) -> bool:
    """Less than one unit of the last shown decimal apart, as providers round or cut."""
    return charge is not None and expected is not None and abs(charge - expected) < unit


def shapes_of(attempt: UncertainAttempt, picture: Picture) -> frozenset[Shape]:
    """How an answer about what this attempt placed may look."""
    return picture.drip_shapes if attempt.shape is Shape.DRIP else frozenset({attempt.shape})


def fits(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """The id looks as the attempt's order would: its shape, and the charge expected or at a rate read since."""
    if own.answer is None or not is_telling(own) or own.answer.shape not in shapes_of(attempt, picture):
        return False
    if own.answer.shape is not Shape.PLAIN:
        return own.answer.runs == attempt.runs
    charges = [attempt.expected, *(reading.charge for reading in attempt.readings)]
    return any(charge_fits(own.answer.charge, charge, picture.unit) for charge in charges)


def price_is_certain(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """The rate was read after the id was seen, and no reading since the order was priced differs."""
    readings = attempt.readings
    read_since = bool(readings) and readings[-1].at >= own.first_seen
    return read_since and all(charge_fits(r.charge, attempt.expected, picture.unit) for r in readings)


def was_there(attempt: UncertainAttempt, own: SeenId) -> bool:
    """Whether this attempt could have placed this id by time and number, and the answer can show more."""
    is_its = own.named_for in (None, attempt.key)
    return is_its and attempt.sent_at <= own.first_seen and in_bracket(attempt, own.number) and is_telling(own)


def can_own(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Whether this attempt could have placed this id."""
    if not was_there(attempt, own):
        return False
    if fits(attempt, own, picture):
        return True
    # A price that moved, or may have, explains any charge of a plain order.
    shapes = shapes_of(attempt, picture)
    is_plain = Shape.PLAIN in shapes and own.answer is not None and own.answer.shape is Shape.PLAIN
    return is_plain and not price_is_certain(attempt, own, picture)


def is_run_of(parent: Parent, own: SeenId, picture: Picture) -> bool:
    """Whether the id may be a run of this parent that was not listed yet, so that its charge shows nothing."""
    if own.answer is None or own.answer.shape is not Shape.PLAIN or own.answer.charge is None:
        return False
    if not parent.cheapest - picture.unit < own.answer.charge < parent.dearest + picture.unit:
        return False
    return may_list_later(parent, own, picture)


def may_list_later(parent: Parent, own: SeenId, picture: Picture) -> bool:
    """Whether this parent may still list the id as a run of its own."""
    if parent.is_complete or own.first_seen < parent.sent_at:
        return False
    if parent.number is not None and own.number < parent.number:
        return False
    omitted_at = own.first_seen + picture.times.settle
    return parent.number is None or parent.polled_at is None or parent.polled_at < omitted_at


def owners_of(own: SeenId, picture: Picture) -> list[UncertainAttempt]:
    """The attempts that could have placed an id; none if its answer shows nothing."""
    return [] if _is_a_run(own, picture) else _possible_owners(own, picture)


def _is_a_run(own: SeenId, picture: Picture) -> bool:
    return any(is_run_of(parent, own, picture) for parent in picture.parents)


def _possible_owners(own: SeenId, picture: Picture) -> list[UncertainAttempt]:
    # Most attempts were sent later: asked here, before a call for each.
    sent_before = [attempt for attempt in picture.attempts if attempt.sent_at <= own.first_seen]
    return [attempt for attempt in sent_before if can_own(attempt, own, picture)]


# Rule 1: placed.

Owned = list[tuple[SeenId, list[UncertainAttempt]]]


def ownership(picture: Picture) -> Owned:
    """Each unexplained id whose answer can show whose it is, with the attempts that could have placed it."""
    telling = [own for own in picture.ids if is_unexplained(own) and is_telling(own)]
    return [(own, _possible_owners(own, picture)) for own in telling if not _is_a_run(own, picture)]


def next_placed(picture: Picture, owned: Owned) -> ProvenPlaced | None:
    """An id that exactly one open doubt could have placed, that fits it, and that is the only such id of it."""
    if picture.now < stopped_until(picture, owned):
        return None
    alone = Counter(owner.key for _own, owner in sole_owners(owned))
    for own, owner in sole_owners(owned):
        may_close = owner.is_open and not owner.is_contradicted
        if may_close and alone[owner.key] == 1 and looks_like(owner, own, picture):
            return ProvenPlaced(owner.key, own.number)
    return None


def sole_owners(owned: Owned) -> Iterator[tuple[SeenId, UncertainAttempt]]:
    """Each id that one attempt alone could have placed, with that attempt."""
    return ((own, owners[0]) for own, owners in owned if len(owners) == 1)


def looks_like(owner: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """What is asked of a match beyond being possible: a charge we know of, and no more left than was ordered."""
    remains = own.answer.remains if own.answer else None
    return fits(owner, own, picture) and (remains is None or remains <= owner.quantity)


def next_by_quantity(picture: Picture, owned: Owned) -> ProvenPlaced | None:
    """A running id without a charge that one attempt alone could have placed, and of which as much is left as that
    attempt ordered.

    It is the last resort where a charge is told when the order ends, or never. Therefore its whole bracket must have
    been searched twice, and hold nothing else that the attempt could have placed.
    """
    if picture.now < stopped_until(picture, owned):
        return None
    for own in picture.ids:
        if not is_unexplained(own) or not shows_quantity(own) or may_be_a_run(own, picture):
            continue
        owners = [attempt for attempt in picture.attempts if may_have_placed(attempt, own, picture)]
        if len(owners) != 1:
            continue
        [owner] = owners
        if not owner.is_open or owner.is_contradicted:
            continue
        if not has_its_quantity(owner, own) or passes_over(owner, picture) is None:
            continue
        if has_no_other(owner, own, picture):
            return ProvenPlaced(owner.key, own.number)
    return None


def may_have_placed(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Whether an attempt could have placed an id, by time, number and what is left of it; its charge is not asked."""
    if attempt.sent_at > own.first_seen or not in_bracket(attempt, own.number):
        return False
    if own.named_for not in (None, attempt.key):
        return False
    if own.answer is not None and own.answer.shape not in shapes_of(attempt, picture):
        return False
    return not is_of_another_quantity(attempt, own, picture)


def has_no_other(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Whether nothing else in its bracket could be this attempt's."""
    others = (other for other in _inside(attempt, picture) if other.number != own.number)
    return not any(may_own(attempt, other, picture) for other in others)


def may_own(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Whether an attempt could have placed an id, however little its answer shows."""
    return can_own(attempt, own, picture) if is_telling(own) else may_have_placed(attempt, own, picture)


def may_be_a_run(own: SeenId, picture: Picture) -> bool:
    """Whether an id whose charge is not told may be a run of an open parent that was not listed yet."""
    return any(may_list_later(parent, own, picture) for parent in picture.parents)


def contradictions(picture: Picture, owned: Owned) -> Iterator[Contradiction]:
    """Ids that can only come from an attempt that a person called "not placed"."""
    for own, owner in sole_owners(owned):
        if owner.standing is Standing.SAID_NOT_PLACED and looks_like(owner, own, picture):
            yield Contradiction(owner.key, own.number)


def strays(picture: Picture, owned: Owned) -> list[float]:
    """When ids were seen that none of our attempts placed: somebody else orders with our key."""
    seen = [own.first_seen for own in picture.ids if own.explained is Explanation.FOREIGN]
    # The second order of a repeated request is ours, even once its attempt is decided.
    seen += [own.first_seen for own, owners in owned if not owners and own.named_for is None]
    nobodys = [own for own in picture.ids if is_unexplained(own) and own.named_for is None]
    untold = [own for own in nobodys if own.answer is not None and awaits_charge(own)]
    for own in untold:
        if not may_be_a_run(own, picture) and not any(may_have_placed(a, own, picture) for a in picture.attempts):
            seen.append(own.first_seen)
    alone: set[int] = set()
    for own, owner in sole_owners(owned):
        if owner.key in alone:
            seen.append(own.first_seen)  # an attempt placed one order at most
        alone.add(owner.key)
    return sorted(seen)


def stopped_until(picture: Picture, owned: Owned) -> float:
    """Two strays within a day stop placed verdicts until a day after the later one; 0 when nothing stops them."""
    seen = strays(picture, owned)
    return max((b + _DAY for a, b in zip(seen, seen[1:], strict=False) if b - a <= _DAY), default=0.0)


# Rule 2: not placed.


def next_not_placed(picture: Picture) -> ProvenNotPlaced | None:
    """A doubt whose whole bracket was searched twice and holds nothing that it could have placed."""
    for attempt in picture.attempts:
        if not attempt.is_open or attempt.was_paid_for or attempt.is_contradicted:
            continue
        searched = passes_over(attempt, picture)
        if searched is None or any(blocking(attempt, picture)):
            continue
        low, high = bounds(attempt)
        excused = tuple(own.number for own in _inside(attempt, picture))
        return ProvenNotPlaced(attempt.key, low, high, *searched, excused)
    return None


def bounds(attempt: UncertainAttempt) -> tuple[int, int]:
    """The bracket of an attempt that has both ends."""
    assert attempt.low is not None  # noqa: S101 - the caller looked
    assert attempt.high is not None  # noqa: S101 - the caller looked
    return attempt.low, attempt.high


def passes_over(attempt: UncertainAttempt, picture: Picture) -> tuple[SearchPass, SearchPass] | None:
    """Two full passes over the bracket, both after T_settle, far enough apart, the second seeing nothing new in it."""
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
    """Whether one of the ranges, which ascend at both ends, holds the whole bracket."""
    at = bisect.bisect_right(search.ranges, low, key=_lower_end)
    return at > 0 and search.ranges[at - 1][1] >= high


def blocking(attempt: UncertainAttempt, picture: Picture) -> Iterator[SeenId]:
    """The ids in the bracket that forbid to say "not placed"."""
    return (own for own in _inside(attempt, picture) if blocks(attempt, own, picture))


def blocks(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Every unexplained id blocks, but for one that does not fit this doubt and that does fit somebody else's."""
    if not is_telling(own):
        return not is_by_quantity_anothers(attempt, own, picture)
    if can_own(attempt, own, picture):
        return True
    if _is_a_run(own, picture):
        return any(parent.number is None and parent.key == attempt.key for parent in picture.parents)
    return not belongs_to_another(attempt, own, picture)


def belongs_to_another(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Whether the id fits another attempt. That the other one's price moved excuses nothing: a provider that charges
    other than it lists may have charged this attempt so.
    """
    others = (other for other in picture.attempts if other.key != attempt.key and was_there(other, own))
    return any(fits(other, own, picture) for other in others)


def is_by_quantity_anothers(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Whether an id whose charge is not told is too small or too large for this attempt, and just right for another."""
    if not is_of_another_quantity(attempt, own, picture) or may_be_a_run(own, picture):
        return False
    others = (other for other in picture.attempts if other.key != attempt.key)
    return any(may_have_placed(other, own, picture) and has_its_quantity(other, own) for other in others)


def _inside(attempt: UncertainAttempt, picture: Picture) -> Iterator[SeenId]:
    return (own for own in picture.ids if is_unexplained(own) and in_bracket(attempt, own.number))


# Neither.


def _undecided(picture: Picture, attempt: UncertainAttempt, owned: Owned) -> Wait | AskOwner:
    reason = why(picture, attempt, owned)
    settled = attempt.last_sent + picture.times.settle
    # An owner who is asked before the charge is told has to look for it himself, so there is more patience with it.
    patience = picture.times.review * (4 if reason == "charge_untold" else 1)
    spent = picture.now >= settled + patience or attempt.is_contradicted
    spent = spent or (reason in ("too_wide", "paid_for") and picture.now >= settled)
    return AskOwner(attempt.key, reason) if spent else Wait(attempt.key, reason)


def why(picture: Picture, attempt: UncertainAttempt, owned: Owned | None = None) -> str:
    """One machine word for what keeps this doubt open. ``owned`` is the picture's :func:`ownership`, where known."""
    if attempt.is_contradicted:
        return "contradicted"
    if attempt.low is None:
        return "no_own_id_before"
    if attempt.high is None:
        return "no_own_id_after"
    if attempt.high - attempt.low - 1 > picture.widest:
        return "too_wide"
    if passes_over(attempt, picture) is None:
        return "not_searched"
    if attempt.was_paid_for and not any(blocking(attempt, picture)):
        return "paid_for"
    owned = ownership(picture) if owned is None else owned
    if picture.now < stopped_until(picture, owned):
        return "stopped"
    return "charge_untold" if any(map(awaits_charge, blocking(attempt, picture))) else "ambiguous"


def _after(picture: Picture, verdict: ProvenPlaced | ProvenNotPlaced) -> Picture:
    attempts = tuple(a for a in picture.attempts if a.key != verdict.attempt)
    if isinstance(verdict, ProvenNotPlaced):
        parents = tuple(p for p in picture.parents if p.number is not None or p.key != verdict.attempt)
        return replace(picture, attempts=attempts, parents=parents)
    ids = tuple(
        replace(own, explained=Explanation.ATTEMPT) if own.number == verdict.number else own for own in picture.ids
    )
    return replace(picture, attempts=attempts, ids=ids)
