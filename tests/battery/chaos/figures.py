"""What a run came to, counted from the shop's own rows and the providers' logs."""

import time
from collections import Counter
from typing import Any

import psycopg

from tests.battery.chaos.world import World

#: Doubts are attempts that were one, however they ended. Seconds run from the send to the verdict.
_DOUBTS = """
    SELECT a.outcome, a.decided_by IS NOT NULL, a.evidence ? 'review', a.evidence->'resolved'->>'how',
           extract(epoch FROM (a.evidence->'resolved'->>'at')::timestamptz - a.sent_at)::float, o.provider_id, o.link
    FROM orders_forwardattempt a JOIN orders_order o ON o.id = a.order_id
    WHERE a.outcome = 'in_doubt' OR a.evidence ? 'resolved'
"""


def doubts(world: World, *, providers: set[int] | None = None) -> dict[str, Any]:
    """Shares in percent; ``by_shop`` are those that no person decided, and of those are ``p95_seconds``."""
    with world.connect() as c:
        rows = [row for row in c.execute(_DOUBTS).fetchall() if providers is None or row[5] in providers]
    by_shop = [row for row in rows if not row[1] and row[0] != "in_doubt"]
    seconds = sorted(row[4] for row in by_shop if row[4] is not None)
    return {
        "all": len(rows),
        "by_shop": len(by_shop),
        "by_owner": sum(row[1] for row in rows),
        "open": sum(row[0] == "in_doubt" for row in rows),
        "asked_owner": sum(row[2] for row in rows),
        "how": dict(Counter(row[3] or "open" for row in rows)),
        "ended": dict(Counter(row[0] for row in rows)),
        "share": round(100 * len(by_shop) / len(rows), 2) if rows else None,
        "p95_seconds": round(seconds[int(len(seconds) * 0.95)], 1) if seconds else None,
    }


_ATTEMPTS = """
    SELECT o.provider_id, o.link, a.n, a.outcome, a.send_calls, a.sent_at, a.decided_by IS NOT NULL, a.upstream_id,
           extract(epoch FROM a.sent_at)::float
    FROM orders_forwardattempt a JOIN orders_order o ON o.id = a.order_id ORDER BY o.id, a.n
"""


def against_truth(world: World) -> dict[str, Any]:
    """Verdicts of the shop that the providers' logs deny, and orders they have more than once."""
    with world.connect() as c:
        rows = c.execute(_ATTEMPTS).fetchall()
    upstream: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for pk, log in world.logs().items():
        for order in log:
            upstream.setdefault((pk, order["link"]), []).append(order)
    ids = {(pk, str(order["order"])): link for (pk, link), orders in upstream.items() for order in orders}
    wrong = 0
    last_of: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        last_of.setdefault((row[0], row[1]), []).append(row)
        if row[3] == "placed" and ids.get((row[0], row[7])) != row[1]:
            wrong += 1
    for key, attempts in last_of.items():
        for row in attempts:
            if row[3] == "not_placed" and not row[6]:
                wrong += any(_belongs(order, row, attempts) for order in upstream.get(key, []))
    twice = {key: orders for key, orders in upstream.items() if len(orders) > 1}
    return {
        "doubled": sum(len(orders) - 1 for orders in twice.values()),
        "doubled_orders": [_as_facts(key, orders, last_of.get(key, [])) for key, orders in twice.items()],
        "wrong_verdicts": wrong,
        "upstream_orders": sum(len(orders) for orders in upstream.values()),
    }


def _as_facts(key: tuple[int, str], orders: list[dict[str, Any]], attempts: list[Any]) -> dict[str, Any]:
    """What somebody who looks for the fault wants to know of an order that was bought more than once."""
    return {
        "provider": key[0],
        "link": key[1],
        "upstream": [{"order": order["order"], "arrived": order["arrived"]} for order in orders],
        "attempts": [
            {"n": n, "outcome": outcome, "sent_at": sent, "by_person": by_person, "id": upstream_id}
            for _pk, _link, n, outcome, _calls, _at, by_person, upstream_id, sent in attempts
        ],
    }


def _belongs(order: dict[str, Any], attempt: Any, attempts: list[Any]) -> bool:
    """Whether this attempt, and no later one, must have placed the order: it arrived before the next one was sent."""
    later = [row[8] for row in attempts if row[2] > attempt[2] and row[8] is not None]
    return bool(order["arrived"] < min(later, default=float("inf")))


_READ = """
    SELECT o.provider_id, o.link, count(*) FILTER (WHERE a.outcome NOT IN ('claimed', 'released', 'not_sent')),
           count(*) FILTER (WHERE a.outcome = 'not_sent')
    FROM orders_forwardattempt a JOIN orders_order o ON o.id = a.order_id GROUP BY 1, 2
"""


def sends(world: World, read: dict[int, Counter[str]]) -> dict[str, int]:
    """``read`` counts the requests to ``add`` that each provider read, by link."""
    with world.connect() as c:
        rows = c.execute(_READ).fetchall()
    excess = sum(max(0, read[pk][link] - sent) for pk, link, sent, _not_sent in rows)
    return {
        "not_sent": sum(row[3] for row in rows),
        "not_sent_but_read": excess,
        "sent": sum(row[2] for row in rows),
        "read": sum(count.total() for count in read.values()),
    }


def sockets(world: World) -> list[str]:
    """Providers whose connections are not the requests they read plus the ones they could not read."""
    end = time.monotonic() + 5
    while (odd := _odd_sockets(world)) and time.monotonic() < end:
        time.sleep(0.1)  # a connection that is open just now is neither
    return odd


def _odd_sockets(world: World) -> list[str]:
    odd = []
    for number, sim in enumerate(world.providers):
        record = sim.record(requests=0)
        told = record["requests"]["total"] + record["unread"] + record["other"]
        if record["connections"] != told:
            odd.append(f"provider {number}: {record['connections']} connections, {told} told of")
    return odd


def faults(world: World) -> dict[str, int]:
    """How often each fault was played, over all providers; a fault's argument and suffix are part of its label."""
    found: Counter[str] = Counter()
    for sim in world.providers:
        found.update(sim.record(requests=0)["faults"])
    return dict(found)


def no_error(c: "psycopg.Connection[Any]", query: str) -> int:
    row = c.execute(query).fetchone()
    assert row is not None
    return int(row[0])
