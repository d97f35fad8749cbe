"""Everything an owner sees below the facts of one order: events, attempts and their repeats, money and refills."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.admin.timeline import Step, Try, steps_of
from orders.models import (
    Attempt,
    ForwardAttempt,
    Order,
    ProviderExchange,
    Refill,
    RefillAttempt,
    RepeatAttempt,
)
from orders.settlement import OrderMoney, money_of
from orders.states import Outcome

#: Evidence is bounded when it is stored; a page shows less of it, so that fifty tries still load.
SHOWN = 16_000


@dataclass(frozen=True)
class RefillHistory:
    refill: Refill
    tries: list[Try]


@dataclass(frozen=True)
class History:
    steps: list[Step]
    tries: list[Try]
    refills: list[RefillHistory]
    money: OrderMoney
    fields: str


def history_of(order: Order, *, sees_money: bool = True) -> History:
    """Return the history of ``order``; the shop's balances at the provider only for who ``sees_money``."""
    attempts = ForwardAttempt.objects.filter(order=order).order_by("n")
    attempts = attempts.prefetch_related("exchanges", "repeats__exchange")
    refills = order.refills.prefetch_related("attempts__exchanges").order_by("id")
    if not sees_money:
        for attempt in attempts:
            attempt.evidence = {name: value for name, value in attempt.evidence.items() if name != "balance"}
    tries = [(attempt, [_try(attempt), *map(_repeat, attempt.repeats.all())]) for attempt in attempts]
    return History(
        steps=steps_of(order.events.order_by("at", "id"), tries),
        tries=[one for _attempt, shown in tries for one in shown],
        refills=[RefillHistory(r, [_try(a) for a in r.attempts.all()]) for r in refills],
        money=money_of(order),
        fields=_pretty(order.fields),
    )


def _try(attempt: ForwardAttempt | RefillAttempt) -> Try:
    heading = _("Attempt %(n)s: %(outcome)s") % {"n": attempt.n, "outcome": attempt.get_outcome_display()}
    return _shown(heading, attempt, _("Id at the provider"), attempt.exchanges.all())


def _repeat(repeat: RepeatAttempt) -> Try:
    """Return a repeat as an entry of its own. The number that its answer names may be another order's."""
    is_named = repeat.outcome == Outcome.PLACED
    outcome = _("Answered with an order number") if is_named else repeat.get_outcome_display()
    words = {"n": repeat.attempt.n, "repeat": repeat.n, "outcome": outcome}
    heading = _("Attempt %(n)s, repeat %(repeat)s: %(outcome)s") % words
    return _shown(heading, repeat, _("Order number in the answer"), [repeat.exchange] if repeat.exchange else [])


def _shown(heading: str, a: Attempt, label_of_id: str | Promise, exchanges: Iterable[ProviderExchange]) -> Try:
    facts: list[tuple[str | Promise, Any]] = [
        (_("Claimed"), a.claimed_at),
        (_("Lease ends"), a.leased_until),
        (_("Sent"), a.sent_at),
        (_("Answered"), a.answered_at),
        (_("Writes to the socket"), a.send_calls),
        (label_of_id, a.upstream_id),
        (_("Id read in a spoiled answer"), a.unconfirmed_id),
        (_("Reason"), a.reason),
        (_("Decided by"), a.decided_by),
        (_("Lane"), a.lane),
    ]
    known = [(label, value) for label, value in facts if value not in (None, "")]
    return Try(str(heading), known, _pretty(a.evidence), [_exchange(exchange) for exchange in exchanges])


def _exchange(exchange: ProviderExchange) -> tuple[str, str]:
    status = "–" if exchange.http_status is None else str(exchange.http_status)
    title = f"{exchange.action} · HTTP {status} · {exchange.at:%Y-%m-%d %H:%M:%S}"
    return title, _pretty(exchange.transcript)


def _pretty(value: Any) -> str:
    if not value:
        return ""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n…"
