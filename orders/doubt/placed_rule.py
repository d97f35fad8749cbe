"""Rule 1: an id that exactly one attempt could have placed was placed by it. Pure."""

from collections import Counter
from collections.abc import Iterator

from orders.doubt import missing_charges, owners
from orders.doubt.owners import Owned
from orders.doubt.passes import passes_over
from orders.doubt.picture import Contradiction, Picture, ProvenPlaced, SeenId, Standing, UncertainAttempt
from orders.states import Explanation

_DAY = 86_400.0


def next_placed(picture: Picture, owned: Owned) -> ProvenPlaced | None:
    """Return the next id that exactly one open doubt could have placed, that fits it, and is the only such id of it."""
    if picture.now < stopped_until(picture, owned):
        return None
    alone = Counter(owner.key for _own, owner in sole_owners(owned))
    for own, owner in sole_owners(owned):
        may_close = owner.is_open and not owner.is_contradicted
        if may_close and alone[owner.key] == 1 and owners.looks_like(owner, own, picture):
            return ProvenPlaced(owner.key, own.number)
    return None


def sole_owners(owned: Owned) -> Iterator[tuple[SeenId, UncertainAttempt]]:
    """Yield each id that one attempt alone could have placed, with that attempt."""
    return ((own, possible[0]) for own, possible in owned if len(possible) == 1)


def next_by_quantity(picture: Picture, owned: Owned) -> ProvenPlaced | None:
    """Return the next running id with an unknown charge that one attempt alone could have placed, and of which as much
    is left as that attempt ordered.

    It is the last resort at a provider that names charges late or never. Therefore the attempt's whole bracket must
    have been searched twice, and hold nothing else that it could have placed.
    """
    if picture.now < stopped_until(picture, owned):
        return None
    for own in picture.ids:
        if not owners.is_unexplained(own) or not missing_charges.shows_quantity(own):
            continue
        if owners.may_be_a_run(own, picture):
            continue
        possible = [attempt for attempt in picture.attempts if owners.may_have_placed(attempt, own, picture)]
        if len(possible) != 1:
            continue
        [owner] = possible
        if not owner.is_open or owner.is_contradicted:
            continue
        if not missing_charges.has_its_quantity(owner, own) or passes_over(owner, picture) is None:
            continue
        if has_no_other(owner, own, picture):
            return ProvenPlaced(owner.key, own.number)
    return None


def has_no_other(attempt: UncertainAttempt, own: SeenId, picture: Picture) -> bool:
    """True if the attempt could have placed no other id in its bracket."""
    others = (other for other in owners.inside(attempt, picture) if other.number != own.number)
    return not any(owners.may_own(attempt, other, picture) for other in others)


def contradictions(picture: Picture, owned: Owned) -> Iterator[Contradiction]:
    """Yield the ids that can only come from an attempt that a person called "not placed"."""
    for own, owner in sole_owners(owned):
        if owner.standing is Standing.SAID_NOT_PLACED and owners.looks_like(owner, own, picture):
            yield Contradiction(owner.key, own.number)


def strays(picture: Picture, owned: Owned) -> list[float]:
    """Return when ids were seen that none of our attempts placed, ascending: somebody else orders with our key."""
    seen = [own.first_seen for own in picture.ids if own.explained is Explanation.FOREIGN]
    # The second order of a repeated request is ours, even once its attempt is decided.
    seen += [own.first_seen for own, possible in owned if not possible and own.named_for is None]
    unexplained = [own for own in picture.ids if owners.is_unexplained(own) and own.named_for is None]
    for own in unexplained:
        if own.answer is None or not missing_charges.awaits_charge(own) or owners.may_be_a_run(own, picture):
            continue
        if not any(owners.may_have_placed(attempt, own, picture) for attempt in picture.attempts):
            seen.append(own.first_seen)
    alone: set[int] = set()
    for own, owner in sole_owners(owned):
        if owner.key in alone:
            seen.append(own.first_seen)  # an attempt placed one order at most
        alone.add(owner.key)
    return sorted(seen)


def stopped_until(picture: Picture, owned: Owned) -> float:
    """Return until when nothing is called placed: a day after the second of two strays of one day; 0 without such."""
    seen = strays(picture, owned)
    return max((b + _DAY for a, b in zip(seen, seen[1:], strict=False) if b - a <= _DAY), default=0.0)
