"""Ids whose charge the provider has not told yet, or never does: what else their answers show. Pure.

Nothing that is sold costs 0, so a charge of 0 is not told either, as long as the order was not canceled. What remains
of a running order says how much was ordered, at a provider whose remains were found to be reliable.
"""

from orders.doubt.picture import FirstAnswer, Picture, SeenId, UncertainAttempt
from orders.states import Shape

#: A charge in these states is no longer the whole charge, so the answer does not show who ordered.
MOVED = frozenset({"partial", "canceled", "refunded", "failed"})
_RUNNING = frozenset({"pending", "processing", "in_progress"})


def names_charge(answer: FirstAnswer) -> bool:
    """Whether the answer names the whole charge. Nothing that is sold costs 0: that one is not told yet."""
    return answer.state not in MOVED and answer.charge is not None and answer.charge > 0


def awaits_charge(own: SeenId) -> bool:
    """Whether a later answer about an id may still name its whole charge: it ran, or was done, without one."""
    if own.answer is None:
        return True
    return own.answer.shape is Shape.PLAIN and own.answer.state not in MOVED and not names_charge(own.answer)


def shows_quantity(own: SeenId) -> bool:
    """Whether an id whose charge is not told says how much of it is left while it runs."""
    if own.answer is None or not awaits_charge(own) or own.answer.remains is None:
        return False
    return own.answer.state in _RUNNING and own.answer.remains > 0


def has_its_quantity(attempt: UncertainAttempt, own: SeenId) -> bool:
    """Whether all that the attempt ordered is still left of a running id whose charge is not told.

    Packages count as one, as most others do: for them that shows nothing.
    """
    if own.answer is None or not shows_quantity(own) or attempt.shape is not Shape.PLAIN:
        return False
    return own.answer.remains == attempt.quantity > 1


def is_of_another_quantity(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """Whether what is left of an id rules an attempt out, at a provider whose remains were found to be reliable.

    An attempt that counts as one, or is of runs or posts, is never ruled out: what is left of a package may be its
    thousand followers.
    """
    if not picture.remains_are_reliable or own.answer is None or not shows_quantity(own):
        return False
    if attempt.quantity <= 1 or attempt.shape is not Shape.PLAIN:
        return False
    assert own.answer.remains is not None  # noqa: S101 - it shows a quantity
    if own.answer.state == "pending":
        return own.answer.remains != attempt.quantity
    return own.answer.remains > attempt.quantity
