"""Thousands of damaged answers: only results and failures of ours leave the room, and nothing is placed by accident."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import pytest

from tests.upstream.cases import Case, all_cases
from upstream.dialect import Dialect
from upstream.errors import ErrorClass, InDoubt, ProviderFailure, Refused
from upstream.exchange import Exchange
from upstream.ids import canonical_id
from upstream.messages import OrderStatus, Placed
from upstream.read_account import read_balance, read_recent_orders, read_ticket
from upstream.read_add import read_add
from upstream.read_cancel import read_cancel
from upstream.read_refills import read_refill, read_refill_status, read_refill_statuses, read_refills
from upstream.read_services import read_services
from upstream.read_status import Reader
from upstream.states import OrderState

ROUNDS = 4_000
DIALECT = Dialect()
STATUSES = (200, 200, 200, 201, 301, 400, 403, 422, 429, 500, 503)
SCRAPS = (
    b'"order":', b"23501", b"null", b"true", b"1e999999999", b"-1", b"NaN", b"{", b"}", b"[", b"]", b'"', b",", b":",
    b"\x00", b"\xff", b"\\ud800", b"\\u0000", b"<b>Warning</b>: x on line 3", b'{"error":"Invalid API key"}',
    b"9" * 400, b"[" * 3000, b'"status":"Canceled"', b'"remains":"1000"', b"\xef\xbb\xbf",
)  # fmt: skip


def test_damaged_answers() -> None:
    chance = random.Random(20261101)  # noqa: S311
    cases = [case for case in all_cases() if len(case.body) < 4_000]
    orders = [case for case in cases if case.action == "add"]
    bodies = [case.body for case in cases if case.body]
    seen: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(ROUNDS):
        case = chance.choice(orders if chance.random() < 0.4 else cases)
        body = damaged(case.body, bodies, chance)
        exchange = exchange_of(case, body, chance.choice(STATUSES) if chance.random() < 0.2 else case.http_status)
        start = time.monotonic()
        seen[outcome(case, exchange)] += 1
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < 2
    assert seen["Placed"] > 20
    assert min(seen["Refused"], seen["InDoubt"], seen["Unavailable"], seen["dict"], seen["OrderStatus"]) > 20, seen


def outcome(case: Case, exchange: Exchange) -> str:
    """The kind of result; whatever is raised beside our failures fails the test."""
    try:
        result = read(case, exchange)
    except ProviderFailure as failure:
        check_failure(failure)
        return type(failure).__name__
    if isinstance(result, Placed):
        check_placed(result, exchange)
    if isinstance(result, OrderStatus):
        check_status(result)
    return type(result).__name__


def read(case: Case, exchange: Exchange) -> Any:
    asked = case.asked or ("23501",)
    statuses = Reader(DIALECT, "USD")
    match case.action:
        case "add":
            return read_add(exchange, DIALECT, lambda order_id: order_id == "23502")
        case "status":
            return statuses.many(exchange, asked) if case.asked else statuses.one(exchange, "23501")
        case "refill":
            return read_refills(exchange, asked, DIALECT) if case.asked else read_refill(exchange, "23501", DIALECT)
        case "refill_status" if case.asked:
            return read_refill_statuses(exchange, asked, DIALECT)
        case "refill_status":
            return read_refill_status(exchange, "1", DIALECT)
        case "cancel":
            return read_cancel(exchange, asked, DIALECT)
        case "services":
            return read_services(exchange, DIALECT)
        case "balance":
            return read_balance(exchange, DIALECT)
        case "createTicket":
            return read_ticket(exchange, DIALECT)
    return read_recent_orders(exchange, DIALECT)


def check_failure(failure: ProviderFailure) -> None:
    assert len(failure.text) <= 500
    if isinstance(failure, Refused):
        assert failure.error_class in ErrorClass
        assert failure.error_class is not ErrorClass.SERVER_FAULT
        assert failure.text
    if isinstance(failure, InDoubt):
        assert all(canonical_id(one) == one for one in failure.candidates)


def check_placed(placed: Placed, exchange: Exchange) -> None:
    assert canonical_id(placed.order_id) == placed.order_id != "23502"
    assert placed.order_id.encode() in exchange.body
    assert exchange.http_status in (200, 201, 204)
    assert placed.charge is None or placed.charge.is_finite()


def check_status(status: OrderStatus) -> None:
    assert status.state in OrderState
    assert status.charge is None or (status.charge.is_finite() and status.charge >= 0)
    assert status.remains is None or abs(status.remains) < 10**15


def exchange_of(case: Case, body: bytes, http_status: int) -> Exchange:
    return Exchange(
        action=case.action,
        url="https://panel.example/api/v2",
        request_fields={},
        send_calls=2,
        http_status=http_status,
        content_type=case.content_type,
        body=body,
        complete=True,
        secret="0123456789abcdef",
    )


def damaged(body: bytes, others: list[bytes], chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randint(0, len(body))
        end = min(len(body), place + chance.randint(0, 8))
        match chance.randint(0, 5):
            case 0:
                body = body[:place]
            case 1:
                body = body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
            case 2:
                body = body[:place] + chance.choice(SCRAPS) + body[end:]
            case 3:
                body = body[:place] + body[end:]
            case 4:
                body += chance.choice(others)
            case 5:
                body = body.swapcase() if chance.random() < 0.3 else body[:end] + body[place:]
    return body


@pytest.mark.parametrize("opening", [b"[", b'{"order":', b'[{"data":'])
def test_nesting_without_end_is_unreadable_and_harmless(opening: bytes) -> None:
    for depth in (33, 10_000, 30_000):
        exchange = exchange_of(Case("", "add", 200, "", (), "", "", ""), opening * depth, 200)
        with pytest.raises(InDoubt):
            read_add(exchange, DIALECT, lambda _order_id: False)
