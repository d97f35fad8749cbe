"""What the owner sees before deciding about an order in doubt: attempts, bracket, candidates, money."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from core.numbers import plain_number
from orders import decisions
from orders.admin.history import History, history_of
from orders.doubt import bracket, owners
from orders.doubt.evidence import picture_of
from orders.doubt.missing_charges import awaits_charge
from orders.doubt.passes import covers
from orders.doubt.picture import as_datetime
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
    """``low`` and ``high`` are empty where the bracket has no end there; ``reason`` says why it is not decided."""

    history: History
    attempt: ForwardAttempt | None
    earliest_not_placed: datetime | None = None
    is_early: bool = False
    low: str = ""
    high: str = ""
    searches: int = 0
    reason: str | Promise = ""
    candidates: list[Candidate] = field(default_factory=list)
    unconfirmed_ids: list[str] = field(default_factory=list)
    balance: dict[str, Any] = field(default_factory=dict)


def page_of(order: Order, *, now: datetime, sees_money: bool) -> DoubtPage:
    """Everything known about one order in doubt, without asking the provider; costs for who ``sees_money`` alone."""
    # 1. Is it in doubt, and in what picture?
    attempt = decisions.doubtful_attempt(order)
    if attempt is None:
        return DoubtPage(history_of(order, sees_money=sees_money), None)
    picture = picture_of(order.provider, now=now)
    known = next((a for a in picture.attempts if a.key == attempt.pk), None)
    low, high = (known.low, known.high) if known else (None, None)
    # 2. How often was its whole bracket searched, and which unexplained ids are in it?
    searches, candidates, reason = 0, [], ""
    if known is not None:
        settled = known.last_sent + picture.times.settle
        if low is not None and high is not None:
            searches = sum(p.started >= settled and covers(p, low, high) for p in picture.passes)
        inside = list(owners.inside(known, picture))
        numbers = dict(
            ForwardAttempt.objects.filter(pk__in=[a.key for a in picture.attempts]).values_list("pk", "order_id")
        )
        for own in inside:
            possible = owners.owners_of(own, picture)
            if awaits_charge(own):
                possible = [a for a in picture.attempts if owners.may_have_placed(a, own, picture)]
            candidate = Candidate(
                number=str(own.number),
                first_seen=as_datetime(own.first_seen),
                state=own.answer.state if own.answer else "",
                charge=own.answer.charge if own.answer and sees_money else None,
                owners=[f"#{numbers[owner.key]}" if owner.key in numbers else _("a test order") for owner in possible],
                may_be_this=known in possible,
            )
            candidates.append(candidate)
        reason = bracket.why(picture, known)
    # 3. Ids are shown as text: no language groups their digits.
    earliest = decisions.earliest_not_placed(attempt)
    return DoubtPage(
        history=history_of(order, sees_money=sees_money),
        attempt=attempt,
        earliest_not_placed=earliest,
        is_early=now < earliest,
        low="" if low is None else str(low),
        high="" if high is None else str(high),
        searches=searches,
        reason=why(str(attempt.evidence.get("review", {}).get("because") or reason)),
        candidates=candidates,
        unconfirmed_ids=[attempt.unconfirmed_id] if attempt.unconfirmed_id else [],
        balance=_readable(attempt.evidence.get("balance", {})) if sees_money else {},
    )


def _readable(balance: dict[str, Any]) -> dict[str, Any]:
    """The two readings of a balance, which are stored with all the places of the column, as people write numbers."""
    readings = {name: plain_number(Decimal(balance[name])) for name in ("before", "after") if balance.get(name)}
    return {**balance, **readings}
