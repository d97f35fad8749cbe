"""Carrying out what the answers to repeated requests prove: `named` judges, this reads and writes the rows."""

from typing import Any

from django.db import transaction

from catalog.models import Provider
from core.clock import SteadyClock
from orders.doubt import calibration, conclude, hints, named
from orders.doubt.evidence import picture_of
from orders.doubt.named import OlderOrder, SecondOrder
from orders.doubt.picture import AskOwner, ProvenPlaced
from orders.forwarding import contradictions
from orders.forwarding.outcomes import is_ours_already
from orders.models import RepeatAttempt
from orders.models.repeat import unjudged


def judge_all(provider: Provider, *, clock: SteadyClock) -> int:
    """Judge the numbers that repeats were answered with here and that nobody has judged yet; return how many."""
    waiting = {repeat.attempt_id: repeat for repeat in unjudged(provider.pk).select_related("attempt")}
    found = len(waiting)
    for repeat in list(waiting.values()):
        # An id in a spoiled answer to the same request is as good a witness, and says something else.
        seen = hints.candidates_of(repeat.attempt)
        if seen and repeat.upstream_id not in seen:
            text = contradictions.two_numbers(seen[0], str(repeat.upstream_id))
            _contradict(waiting.pop(repeat.attempt_id), text, clock)
    if not waiting:
        return found
    if not calibration.is_usable(provider):
        for repeat in waiting.values():
            _believe(repeat, clock, {"searched": False})
        return found
    picture = picture_of(provider, now=clock.now())
    for repeat in [
        repeat for key, repeat in waiting.items() if key not in {a.key for a in picture.attempts if a.named}
    ]:
        _believe(repeat, clock, {"searched": False})  # not a number, so no place to search
    for verdict in named.judge(picture):
        match verdict:
            case ProvenPlaced(key, number) if key in waiting:
                attempt = next(a for a in picture.attempts if a.key == key)
                _believe(waiting[key], clock, {"low": attempt.low, "id": number, "searched": attempt.low is not None})
            case SecondOrder(key, number, other) if key in waiting:
                _contradict(waiting[key], contradictions.two_numbers(str(other), str(number)), clock)
            case OlderOrder(key, number) if key in waiting:
                _contradict(waiting[key], contradictions.older(str(number)), clock)
            case AskOwner(key, reason):
                conclude.to_review(key, reason=reason, now=clock.now())
    return found


def _believe(repeat: RepeatAttempt, clock: SteadyClock, proof: dict[str, Any]) -> None:
    """Record that the attempt placed the number; a number that another order got meanwhile is a contradiction."""
    number = str(repeat.upstream_id)
    done = conclude.placed(repeat.attempt_id, number, how="repeat", now=clock.now(), repeat=proof)
    if not done and is_ours_already(repeat.provider_id, number):
        own = RepeatAttempt.objects.filter(pk=repeat.pk, attempt__upstream_id=number)
        if not own.exists():
            _contradict(repeat, contradictions.taken(number), clock)


def _contradict(repeat: RepeatAttempt, contradiction: contradictions.Contradiction, clock: SteadyClock) -> None:
    with transaction.atomic():
        contradictions.note(repeat, contradiction, now=clock.now())
