"""What the answer to a repeated request proves. Pure, like `bracket`: a picture goes in, verdicts come out.

A provider that knows a repeated request answers with the one order that there is. One that does not has placed a
second order, and the first one is under our key, too: below the number that was named, and above what was known before
the send. So that range is searched before the answer is believed. Where it cannot be searched, the test order's proof
is all there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orders.doubt import owners
from orders.doubt.passes import covers
from orders.doubt.picture import AskOwner, Picture, ProvenPlaced, SeenId, Standing, UncertainAttempt, Wait


@dataclass(frozen=True, slots=True)
class SecondOrder:
    """The attempt placed ``other`` as well: its repeated request was not recognised."""

    attempt: int
    number: int
    other: int


@dataclass(frozen=True, slots=True)
class OlderOrder:
    """The number named is older than the attempt, so it is of another order."""

    attempt: int
    number: int


NamedVerdict = ProvenPlaced | SecondOrder | OlderOrder | Wait | AskOwner
UNVERIFIED = "repeat_unverified"


def judge(picture: Picture) -> list[NamedVerdict]:
    """Return one verdict for each attempt whose repeated request was answered with a number."""
    return [_judge(attempt, attempt.named, picture) for attempt in picture.attempts if attempt.named is not None]


def range_to_search(attempt: UncertainAttempt, picture: Picture) -> tuple[int, int] | None:
    """Return the range, bounds exclusive, in which a second order would be; None if there is none left to search."""
    if attempt.standing is not Standing.NAMED or attempt.named is None or attempt.low is None:
        return None
    low, number = attempt.low, attempt.named
    if not 0 < number - low - 1 <= picture.widest:
        return None
    since = [search for search in picture.passes if search.started >= attempt.named_at]
    return None if any(covers(search, low, number) for search in since) else (low, number)


def _judge(attempt: UncertainAttempt, number: int, picture: Picture) -> NamedVerdict:
    if attempt.low is not None and number <= attempt.low:
        return OlderOrder(attempt.key, number)
    if range_to_search(attempt, picture) is None:
        rivals = list(_rivals(attempt, picture))
        if not rivals:
            return ProvenPlaced(attempt.key, number)
        for own in rivals:
            if owners.owners_of(own, picture) == [attempt] and owners.looks_like(attempt, own, picture):
                return SecondOrder(attempt.key, number, own.number)
    spent = picture.now >= attempt.last_sent + picture.times.settle + picture.times.review
    return AskOwner(attempt.key, UNVERIFIED) if spent else Wait(attempt.key, UNVERIFIED)


def _rivals(attempt: UncertainAttempt, picture: Picture) -> Iterator[SeenId]:
    """Yield the ids that nobody explains, that no repeat was answered with, and that the attempt may have placed."""
    for own in owners.inside(attempt, picture):
        if own.named_for is None and owners.may_own(attempt, own, picture):
            yield own
