"""What the owner sees before deciding about an order in doubt: tries, bracket, candidates, money."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise

from orders import decisions
from orders.admin.history import History, history_of
from orders.doubt import bracket
from orders.doubt.evidence import picture_of
from orders.doubt.picture import Picture, SeenId, UncertainAttempt, as_datetime
from orders.doubt.words import why
from orders.models import ForwardAttempt, Order


@dataclass(frozen=True)
class Candidate:
    """An unexplained id in the bracket. ``owners`` are the orders that could have placed it."""

    number: str
    first_seen: datetime
    state: str
    charge: Decimal | None
    owners: list[str]
    may_be_this: bool


@dataclass(frozen=True)
class DoubtPage:
    """``low`` and ``high`` are empty where the bracket has no end there; ``reason`` says why nobody knows yet."""

    history: History
    attempt: ForwardAttempt | None
    earliest_not_placed: datetime | None = None
    is_early: bool = False
    low: str = ""
    high: str = ""
    searches: int = 0
    reason: str | Promise = ""
    candidates: list[Candidate] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    balance: dict[str, Any] = field(default_factory=dict)


def page_of(order: Order, *, now: datetime) -> DoubtPage:
    """Everything known about one order in doubt. Asks nobody."""
    attempt = decisions.doubtful_attempt(order)
    if attempt is None:
        return DoubtPage(history_of(order), None)
    picture = picture_of(order.provider, now=now)
    known = next((a for a in picture.attempts if a.key == attempt.pk), None)
    earliest = decisions.earliest_not_placed(attempt)
    review = attempt.evidence.get("review", {})
    return DoubtPage(
        history=history_of(order),
        attempt=attempt,
        earliest_not_placed=earliest,
        is_early=now < earliest,
        low=_text(known.low if known else None),
        high=_text(known.high if known else None),
        searches=_searches(picture, known),
        reason=why(str(review.get("because") or (bracket.why(picture, known) if known else ""))),
        candidates=_candidates(picture, known),
        heard=[attempt.unconfirmed_id] if attempt.unconfirmed_id else [],
        balance=attempt.evidence.get("balance", {}),
    )


def _searches(picture: Picture, attempt: UncertainAttempt | None) -> int:
    """Full searches of the whole bracket after T_settle."""
    if attempt is None or attempt.low is None or attempt.high is None:
        return 0
    settled, low, high = attempt.sent_at + picture.times.settle, attempt.low, attempt.high
    return sum(p.started >= settled and bracket.covers(p, low, high) for p in picture.passes)


def _candidates(picture: Picture, attempt: UncertainAttempt | None) -> list[Candidate]:
    if attempt is None:
        return []
    numbers = {a.key: a for a in picture.attempts}
    orders = dict(ForwardAttempt.objects.filter(pk__in=numbers).values_list("pk", "order_id"))
    inside = [o for o in picture.ids if bracket.is_unexplained(o) and bracket.in_bracket(attempt, o.number)]
    return [_candidate(own, attempt, picture, orders) for own in inside]


def _candidate(own: SeenId, attempt: UncertainAttempt, picture: Picture, orders: dict[int, int]) -> Candidate:
    owners = bracket.owners_of(own, picture)
    return Candidate(
        number=str(own.number),
        first_seen=as_datetime(own.first_seen),
        state=own.answer.state if own.answer else "",
        charge=own.answer.charge if own.answer else None,
        owners=[f"#{orders[owner.key]}" for owner in owners],
        may_be_this=attempt in owners,
    )


def _text(number: int | None) -> str:
    """Ids are names: no language groups their digits."""
    return "" if number is None else str(number)
