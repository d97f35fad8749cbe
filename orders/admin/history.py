"""Everything an owner sees below the facts of one order: what happened, each try to send, the money, the refills."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models import Attempt, ForwardAttempt, Order, OrderEvent, ProviderExchange, Refill
from orders.settlement import OrderMoney, money_of

#: Evidence is bounded when it is stored; a page shows less of it, so that fifty tries still load.
SHOWN = 16_000


@dataclass(frozen=True)
class Try:
    """One attempt with what was said: ``facts`` are label and value, ``exchanges`` label and indented JSON."""

    title: str
    outcome: str
    facts: list[tuple[str | Promise, Any]]
    evidence: str
    exchanges: list[tuple[str, str]]


@dataclass(frozen=True)
class RefillStory:
    refill: Refill
    tries: list[Try]


@dataclass(frozen=True)
class History:
    events: list[OrderEvent]
    tries: list[Try]
    refills: list[RefillStory]
    money: OrderMoney
    fields: str


def history_of(order: Order) -> History:
    attempts = ForwardAttempt.objects.filter(order=order).prefetch_related("exchanges").order_by("n")
    refills = order.refills.prefetch_related("attempts__exchanges").order_by("id")
    return History(
        events=list(order.events.order_by("at", "id")),
        tries=_tries(attempts),
        refills=[RefillStory(r, _tries(r.attempts.all())) for r in refills],
        money=money_of(order),
        fields=_pretty(order.fields),
    )


def _tries(attempts: Iterable[Any]) -> list[Try]:
    return [
        Try(str(a.n), a.get_outcome_display(), _facts(a), _pretty(a.evidence), [_said(e) for e in a.exchanges.all()])
        for a in attempts
    ]


def _facts(a: Attempt) -> list[tuple[str | Promise, Any]]:
    all_facts: list[tuple[str | Promise, Any]] = [
        (_("Claimed"), a.claimed_at),
        (_("Lease ends"), a.leased_until),
        (_("Sent"), a.sent_at),
        (_("Answered"), a.answered_at),
        (_("Writes to the socket"), a.send_calls),
        (_("Id at the provider"), a.upstream_id),
        (_("Id heard in a spoiled answer"), a.unconfirmed_id),
        (_("Reason"), a.reason),
        (_("Decided by"), a.decided_by),
        (_("Lane"), a.lane),
    ]
    return [(label, value) for label, value in all_facts if value not in (None, "")]


def _said(exchange: ProviderExchange) -> tuple[str, str]:
    status = "–" if exchange.http_status is None else str(exchange.http_status)
    return f"{exchange.action} · HTTP {status} · {exchange.at:%Y-%m-%d %H:%M:%S}", _pretty(exchange.transcript)


def _pretty(value: Any) -> str:
    if not value:
        return ""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n…"
