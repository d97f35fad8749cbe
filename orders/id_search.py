"""Asking a provider which order ids answer to our key. Every call also asks for control ids: orders known to be ours.

A call whose controls are not answered as ours proves nothing about the other ids, so none of its answers counts.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from upstream.errors import ErrorClass, Unavailable
from upstream.messages import Ignored, ItemError, OrderStatus, StatusItem

#: Calls in a row that may fail before a search gives up.
TRIES = 3
_KNOWN_ALL_THE_SAME = ("unknown_state", "contradictory")

Answers = dict[int, StatusItem]
#: Asks for the status of text ids in one call, as ProviderClient.statuses does.
Ask = Callable[[Sequence[str]], dict[str, StatusItem]]


class NoProof(Exception):
    """TRIES calls in a row failed, or did not know their controls; ``str()`` says what the last one did."""


def is_ours(item: StatusItem) -> bool:
    """True if the provider knows this id under our key, even in a state whose word we do not know."""
    return isinstance(item, OrderStatus) or (isinstance(item, Ignored) and item.reason in _KNOWN_ALL_THE_SAME)


def is_refused(item: StatusItem) -> bool:
    """True for the one answer that means "not yours". A missing id, or any other error, says nothing."""
    return isinstance(item, ItemError) and item.error_class is ErrorClass.UNKNOWN_ORDER


def is_decided(item: StatusItem) -> bool:
    """True if the answer says whether the id is ours."""
    return is_ours(item) or is_refused(item)


def ask_with_controls(ask: Ask, ids: Collection[int], controls: Collection[int]) -> Answers | None:
    """Ask for ``ids`` and ``controls`` in one call; return the answers about ``ids``, None if a control was not ours.

    Raises what ``ask`` raises.
    """
    answers = ask([str(number) for number in sorted({*ids, *controls})])
    if not all(is_ours(answers[str(control)]) for control in controls):
        return None
    return {number: answers[str(number)] for number in ids}


def search(
    ask: Ask,
    ids: Sequence[int],
    controls: Collection[int],
    *,
    ids_per_call: Callable[[], int],
    is_answer: Callable[[StatusItem], bool] = is_decided,
) -> Iterator[Answers]:
    """Ask for all ``ids``, the first ones first; yield the answers of each call that counts, which may be none.

    An id is asked for again until ``is_answer`` accepts its answer. ``ids_per_call`` is read before each call and does
    not include the controls. Raises NoProof after TRIES failed calls in a row; ``ask`` fails by raising Unavailable.
    """
    left, failures = list(ids), 0
    while left:
        batch = left[: ids_per_call()]
        problem = "it did not know its own orders"
        try:
            answers = ask_with_controls(ask, batch, controls)
        except Unavailable as failure:
            answers, problem = None, str(failure)
        if answers is None:
            failures += 1
            if failures >= TRIES:
                raise NoProof(problem)
            continue
        failures = 0
        left[: len(batch)] = [number for number in batch if not is_answer(answers[number])]
        yield answers
