"""Everything an owner sees below the facts of one order: its events, attempts to send it, money and refills."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Attempt, ForwardAttempt, Order, OrderEvent, Refill
from orders.settlement import OrderMoney, money_of

#: Evidence is bounded when it is stored; a page shows less of it, so that fifty tries still load.
SHOWN = 16_000


@dataclass(frozen=True)
class Try:
    """One attempt with its exchanges: ``facts`` are label and value, ``exchanges`` title and indented JSON."""

    title: str
    outcome: str
    facts: list[tuple[str | Promise, Any]]
    evidence: str
    exchanges: list[tuple[str, str]]


@dataclass(frozen=True)
class RefillHistory:
    refill: Refill
    tries: list[Try]


@dataclass(frozen=True)
class History:
    events: list[OrderEvent]
    tries: list[Try]
    refills: list[RefillHistory]
    money: OrderMoney
    fields: str


def history_of(order: Order) -> History:
    attempts = ForwardAttempt.objects.filter(order=order).prefetch_related("exchanges").order_by("n")
    refills = order.refills.prefetch_related("attempts__exchanges").order_by("id")
    return History(
        events=list(order.events.order_by("at", "id")),
        tries=_tries(attempts),
        refills=[RefillHistory(r, _tries(r.attempts.all())) for r in refills],
        money=money_of(order),
        fields=_pretty(order.fields),
    )


def _tries(attempts: Iterable[Attempt]) -> list[Try]:
    tries = []
    for a in attempts:
        facts: list[tuple[str | Promise, Any]] = [
            (_("Claimed"), a.claimed_at),
            (_("Lease ends"), a.leased_until),
            (_("Sent"), a.sent_at),
            (_("Answered"), a.answered_at),
            (_("Writes to the socket"), a.send_calls),
            (_("Id at the provider"), a.upstream_id),
            (_("Id read in a spoiled answer"), a.unconfirmed_id),
            (_("Reason"), a.reason),
            (_("Decided by"), a.decided_by),
            (_("Lane"), a.lane),
        ]
        exchanges = []
        for exchange in a.exchanges.all():  # type: ignore[attr-defined]  # of both kinds of attempt
            status = "–" if exchange.http_status is None else str(exchange.http_status)
            title = f"{exchange.action} · HTTP {status} · {exchange.at:%Y-%m-%d %H:%M:%S}"
            exchanges.append((title, _pretty(exchange.transcript)))
        known = [(label, value) for label, value in facts if value not in (None, "")]
        tries.append(Try(str(a.n), a.get_outcome_display(), known, _pretty(a.evidence), exchanges))
    return tries


def _pretty(value: Any) -> str:
    if not value:
        return ""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n…"
