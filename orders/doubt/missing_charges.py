"""Ids whose charge is unknown, for now or for good: what else their answers show. Pure.

Nothing that is sold costs 0, so a charge of 0 is unknown as well, as long as the order was not canceled. What remains
of a running order shows how much was ordered, at a provider whose remains were found to be reliable.
"""

from orders.doubt.picture import FirstAnswer, Picture, SeenId, UncertainAttempt
from orders.states import Shape

#: Why a doubt stays open; the spelling is that of stored reviews.
CHARGE_UNKNOWN = "charge_untold"
#: A charge in these states is no longer the whole charge, so the answer does not show who ordered.
MOVED = frozenset({"partial", "canceled", "refunded", "failed"})
_RUNNING = frozenset({"pending", "processing", "in_progress"})


def names_charge(answer: FirstAnswer) -> bool:
    """True if the answer names the whole charge."""
    return answer.state not in MOVED and answer.charge is not None and answer.charge > 0


def awaits_charge(own: SeenId) -> bool:
    """True if the charge of an id is unknown and a later answer may name it: it ran, or was done, without one."""
    if own.answer is None:
        return True
    return own.answer.shape is Shape.PLAIN and own.answer.state not in MOVED and not names_charge(own.answer)


def shows_quantity(own: SeenId) -> bool:
    """True if an id with an unknown charge is running and says how much of it is left."""
    if own.answer is None or not awaits_charge(own) or own.answer.remains is None:
        return False
    return own.answer.state in _RUNNING and own.answer.remains > 0


def has_its_quantity(attempt: UncertainAttempt, own: SeenId) -> bool:
    """True if a running id with an unknown charge has as much left as the attempt ordered.

    Never for a package: it counts as one, as most others do, which shows nothing.
    """
    if own.answer is None or not shows_quantity(own) or attempt.shape is not Shape.PLAIN:
        return False
    return own.answer.remains == attempt.quantity > 1


def is_of_another_quantity(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if what is left of an id rules the attempt out, at a provider whose remains were found to be reliable.

    Never for an attempt that counts as one, or that is of runs or posts: what is left of a package may be its thousand
    followers.
    """
    if not picture.remains_are_reliable or own.answer is None or not shows_quantity(own):
        return False
    if attempt.quantity <= 1 or attempt.shape is not Shape.PLAIN:
        return False
    assert own.answer.remains is not None  # noqa: S101 - it shows a quantity
    if own.answer.state == "pending":
        return own.answer.remains != attempt.quantity
    return own.answer.remains > attempt.quantity
