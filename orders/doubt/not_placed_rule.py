"""Rule 2: nothing was placed if the bracket, searched twice, holds nothing that the doubt could have placed. Pure."""

from collections.abc import Iterator

from orders.doubt import missing_charges, owners
from orders.doubt.passes import passes_over
from orders.doubt.picture import Picture, ProvenNotPlaced, SeenId, UncertainAttempt


def next_not_placed(picture: Picture) -> ProvenNotPlaced | None:
    """Return the next doubt that is proven to have placed nothing."""
    for attempt in picture.attempts:
        if not attempt.is_open or attempt.was_paid_for or attempt.is_contradicted:
            continue
        searched = passes_over(attempt, picture)
        if searched is None or any(blocking(attempt, picture)):
            continue
        assert attempt.low is not None  # noqa: S101 - a bracket that was searched has both bounds
        assert attempt.high is not None  # noqa: S101
        excused = tuple(own.number for own in owners.inside(attempt, picture))
        return ProvenNotPlaced(attempt.key, attempt.low, attempt.high, *searched, excused)
    return None


def blocking(attempt: UncertainAttempt, picture: Picture) -> Iterator[SeenId]:
    """Yield the ids in the bracket that forbid to say "not placed"."""
    return (own for own in owners.inside(attempt, picture) if blocks(attempt, own, picture))


def blocks(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True unless the id does not fit this doubt and does fit another attempt."""
    if not owners.is_telling(own):
        return not is_by_quantity_anothers(attempt, own, picture)
    if owners.can_own(attempt, own, picture):
        return True
    if owners.is_a_run(own, picture):
        return any(parent.number is None and parent.key == attempt.key for parent in picture.parents)
    return not belongs_to_another(attempt, own, picture)


def belongs_to_another(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if the id fits another attempt at a price that is known.

    That the other one's price moved excuses nothing: a provider that charges other than it lists may have charged this
    attempt so.
    """
    others = (other for other in picture.attempts if other.key != attempt.key and owners.was_there(other, own))
    return any(owners.fits(other, own, picture) for other in others)


def is_by_quantity_anothers(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if what is left of an id with an unknown charge rules out this attempt, and is just what another ordered."""
    if not missing_charges.is_of_another_quantity(attempt, own, picture) or owners.may_be_a_run(own, picture):
        return False
    others = (other for other in picture.attempts if other.key != attempt.key)
    return any(
        owners.may_have_placed(other, own, picture) and missing_charges.has_its_quantity(other, own) for other in others
    )
