"""Which attempts may have placed an id: what both rules of the bracket rest on. Pure.

The rules call these functions as `owners.…`, so that a test can break one and see what that costs.
"""

from collections.abc import Iterator
from decimal import Decimal

from orders.doubt import missing_charges
from orders.doubt.picture import Parent, Picture, SeenId, UncertainAttempt
from orders.states import Explanation, Shape

#: Ids whose answer can show who placed them, each with the attempts that could have.
Owned = list[tuple[SeenId, list[UncertainAttempt]]]


def is_unexplained(own: SeenId) -> bool:
    """True if nothing shows who placed the id. So it is with an orphan: listing it for the owner explains nothing."""
    return own.explained in (None, Explanation.ORPHAN)


def in_bracket(attempt: UncertainAttempt, number: int) -> bool:
    """True between the bounds of the attempt. A bracket without a lower or an upper bound is open on that side."""
    above = attempt.low is None or number > attempt.low
    return above and (attempt.high is None or number < attempt.high)


def inside(attempt: UncertainAttempt, picture: Picture) -> Iterator[SeenId]:
    """Yield the unexplained ids in the attempt's bracket."""
    return (own for own in picture.ids if is_unexplained(own) and in_bracket(attempt, own.number))


def is_telling(own: SeenId) -> bool:
    """True if the answer about an id can show who placed it. One that cannot still blocks "not placed"."""
    if own.answer is None or own.answer.state in missing_charges.MOVED:
        return False
    return own.answer.shape is not Shape.PLAIN or missing_charges.names_charge(own.answer)


def charge_fits(charge: Decimal | None, expected: Decimal | None, unit: Decimal) -> bool:
    """True if the charges are less than one unit of the last shown decimal apart: providers round, or cut."""
    return charge is not None and expected is not None and abs(charge - expected) < unit


def shapes_of(attempt: UncertainAttempt, picture: Picture) -> frozenset[Shape]:
    """Return the shapes that an answer about this attempt's order may have."""
    return picture.drip_shapes if attempt.shape is Shape.DRIP else frozenset({attempt.shape})


def fits(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if the id looks as the attempt's order would: its shape, and the charge expected or at a rate read since."""
    if own.answer is None or not is_telling(own) or own.answer.shape not in shapes_of(attempt, picture):
        return False
    if own.answer.shape is not Shape.PLAIN:
        return own.answer.runs == attempt.runs
    charges = [attempt.expected, *(reading.charge for reading in attempt.readings)]
    return any(charge_fits(own.answer.charge, charge, picture.unit) for charge in charges)


def looks_like(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if the id fits the attempt, and no more is left of it than was ordered."""
    remains = own.answer.remains if own.answer else None
    return fits(attempt, own, picture) and (remains is None or remains <= attempt.quantity)


def price_is_certain(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if the rate was read after the id was seen, and no reading since the order was priced differs."""
    readings = attempt.readings
    read_since = bool(readings) and readings[-1].at >= own.first_seen
    return read_since and all(charge_fits(r.charge, attempt.expected, picture.unit) for r in readings)


def was_there(attempt: UncertainAttempt, own: SeenId) -> bool:
    """True if this attempt could have placed the id by time and number, and the id's answer can show more."""
    is_its = own.named_for in (None, attempt.key)
    return is_its and attempt.sent_at <= own.first_seen and in_bracket(attempt, own.number) and is_telling(own)


def can_own(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if this attempt could have placed the id, by all that its answer shows."""
    if not was_there(attempt, own):
        return False
    if fits(attempt, own, picture):
        return True
    # A price that moved, or may have, explains any charge of a plain order.
    shapes = shapes_of(attempt, picture)
    is_plain = Shape.PLAIN in shapes and own.answer is not None and own.answer.shape is Shape.PLAIN
    return is_plain and not price_is_certain(attempt, own, picture)


def may_have_placed(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if this attempt could have placed the id by time, number and what is left of it, whatever its charge."""
    if attempt.sent_at > own.first_seen or not in_bracket(attempt, own.number):
        return False
    if own.named_for not in (None, attempt.key):
        return False
    if own.answer is not None and own.answer.shape not in shapes_of(attempt, picture):
        return False
    return not missing_charges.is_of_another_quantity(attempt, own, picture)


def may_own(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if this attempt could have placed the id, however little its answer shows."""
    return can_own(attempt, own, picture) if is_telling(own) else may_have_placed(attempt, own, picture)


def is_run_of(parent: Parent, own: SeenId, picture: Picture) -> bool:
    """True if the id may be a run of this parent that was not listed yet: then its charge shows nothing."""
    if own.answer is None or own.answer.shape is not Shape.PLAIN or own.answer.charge is None:
        return False
    if not parent.cheapest - picture.unit < own.answer.charge < parent.dearest + picture.unit:
        return False
    return may_list_later(parent, own, picture)


def may_list_later(parent: Parent, own: SeenId, picture: Picture) -> bool:
    """True if this parent may still list the id as a run of its own."""
    if parent.is_complete or own.first_seen < parent.sent_at:
        return False
    if parent.number is not None and own.number < parent.number:
        return False
    omitted_at = own.first_seen + picture.times.settle
    return parent.number is None or parent.polled_at is None or parent.polled_at < omitted_at


def is_a_run(own: SeenId, picture: Picture) -> bool:
    """True if the id may be a run of some parent, by its charge."""
    return any(is_run_of(parent, own, picture) for parent in picture.parents)


def may_be_a_run(own: SeenId, picture: Picture) -> bool:
    """True if an id with an unknown charge may be a run of some parent."""
    return any(may_list_later(parent, own, picture) for parent in picture.parents)


def owners_of(own: SeenId, picture: Picture) -> list[UncertainAttempt]:
    """Return the attempts that could have placed an id; none if its answer shows nothing."""
    return [] if is_a_run(own, picture) else _possible_owners(own, picture)


def ownership(picture: Picture) -> Owned:
    """Return each unexplained id whose answer can show who placed it, with the attempts that could have."""
    telling = [own for own in picture.ids if is_unexplained(own) and is_telling(own)]
    return [(own, _possible_owners(own, picture)) for own in telling if not is_a_run(own, picture)]


def _possible_owners(own: SeenId, picture: Picture) -> list[UncertainAttempt]:
    # Most attempts were sent later: asked here, before a call for each.
    sent_before = [attempt for attempt in picture.attempts if attempt.sent_at <= own.first_seen]
    return [attempt for attempt in sent_before if can_own(attempt, own, picture)]
