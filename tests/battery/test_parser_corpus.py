"""Part D, the bodies: every kept answer under every action, and thousands of damaged ones, judged by a second reading.

`BATTERY=gate` judges 20,000 damaged bodies and `BATTERY=long` 100,000; without it a few suffice to notice a broken
rule. The seed is printed (`pytest -rP`) and may be given as BATTERY_SEED.
"""

import os
import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.battery import counts
from tests.battery.damage import damaged
from tests.battery.reading_rules import judge
from tests.upstream.cases import Case, all_cases
from upstream.dialect import Dialect
from upstream.exchange import Exchange
from upstream.read_account import read_balance, read_recent_orders
from upstream.read_add import read_add
from upstream.read_cancel import read_cancel
from upstream.read_refills import read_refill, read_refill_status, read_refill_statuses
from upstream.read_services import read_services
from upstream.read_status import StatusReader

MUTATIONS = counts.sized(1_500, 20_000, 100_000)
SEED = int(os.environ.get("BATTERY_SEED", "20261122"))
STATUSES = (200, 200, 200, 201, 301, 400, 403, 422, 429, 500, 503)
MOST_BYTES = 32 * 1024 * 1024
MOST_SECONDS = 2.0
DIALECT = Dialect()
STATUS = StatusReader(DIALECT, "USD")

READERS: dict[str, Callable[[Exchange, tuple[str, ...]], Any]] = {
    "add": lambda exchange, _asked: read_add(exchange, DIALECT),
    "status": lambda exchange, asked: STATUS.one(exchange, asked[0]),
    "statuses": lambda exchange, asked: STATUS.many(exchange, asked),
    "refill": lambda exchange, asked: read_refill(exchange, asked[0], DIALECT),
    "refill_status": lambda exchange, asked: read_refill_status(exchange, asked[0], DIALECT),
    "refill_statuses": lambda exchange, asked: read_refill_statuses(exchange, asked, DIALECT),
    "cancel": lambda exchange, asked: read_cancel(exchange, asked, DIALECT),
    "services": lambda exchange, _asked: read_services(exchange, DIALECT),
    "balance": lambda exchange, _asked: read_balance(exchange, DIALECT),
    "orders": lambda exchange, _asked: read_recent_orders(exchange, DIALECT),
}


#: Weighing takes ten times as long as reading: without BATTERY only these are weighed on answers made to hurt.
WEIGHED = tuple(READERS) if os.environ.get("BATTERY") else ("add", "statuses", "services")


def own_readers(case: Case) -> list[str]:
    """The readers of the action that the body was kept for: one id, or many."""
    many = {"status": "statuses", "refill_status": "refill_statuses"}
    return [many[case.action]] if case.asked and case.action in many else [case.action]


def exchange_of(action: str, body: bytes, http_status: int = 200, content_type: str = "application/json") -> Exchange:
    return Exchange(
        action=action,
        url="https://panel.example/api/v2",
        request_fields={},
        send_calls=2,
        http_status=http_status,
        content_type=content_type,
        body=body,
        complete=True,
        secret="fedcba98fedcba98",
    )


def read(reader: str, exchange: Exchange, asked: tuple[str, ...]) -> Any:
    """What the reader returned or raised."""
    try:
        return READERS[reader](exchange, asked or ("23501",))
    except Exception as failure:
        return failure


def bounded(
    reader: str, exchange: Exchange, asked: tuple[str, ...], *, is_weighed: bool = True, most_bytes: int = MOST_BYTES
) -> Any:
    """Like read, but fails if one body takes more processor time, or weighed, more memory than it may."""
    if is_weighed:
        tracemalloc.start()
    start = time.process_time()
    result = read(reader, exchange, asked)
    # A list of services may be 256 times as long as any other answer, and takes its time.
    assert reader == "services" or time.process_time() - start < MOST_SECONDS, (reader, exchange.body[:200])
    if is_weighed:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most_bytes, (f"{peak:,}", reader, exchange.body[:200])
    return result


def test_every_kept_answer_under_every_action() -> None:
    """No body may do harm where it does not belong: a proxy, or a panel's bug, can put any answer anywhere."""
    cases = all_cases()
    judged = 0
    for case in cases:
        for reader in READERS:
            exchange = exchange_of(case.action, case.body, case.http_status, case.content_type)
            result = bounded(reader, exchange, case.asked, is_weighed=reader in own_readers(case))
            assert judge(reader, exchange, result) == [], (case.name, reader)
            judged += 1
    assert len(cases) >= 300
    assert judged == len(cases) * len(READERS)
    counts.add(steps=judged, checks=judged, figures={"kept_bodies": len(cases)})


def test_damaged_answers() -> None:
    chance = random.Random(SEED)  # noqa: S311
    print(f"{MUTATIONS} damaged answers with seed {SEED}")
    cases = [case for case in all_cases() if len(case.body) < 4_000]
    orders = [case for case in cases if case.action == "add"]
    states = [case for case in cases if case.action == "status"]
    bodies = [case.body for case in cases if case.body]
    seen: Counter[str] = Counter()
    for number in range(MUTATIONS):
        case = chance.choice(chance.choices((orders, states, cases), (0.4, 0.3, 0.3))[0])
        http_status = chance.choice(STATUSES) if chance.random() < 0.2 else case.http_status
        exchange = exchange_of(case.action, damaged(case.body, bodies, chance), http_status, case.content_type)
        for reader in own_readers(case):
            result = bounded(reader, exchange, case.asked, is_weighed=number % 10 == 0)
            assert judge(reader, exchange, result) == [], (SEED, number, reader, http_status, exchange.body)
            seen[type(result).__name__] += 1
    counts.add(steps=MUTATIONS, checks=seen.total(), figures={"damaged_bodies": MUTATIONS})
    print(dict(seen))
    # A corpus that only ever breaks tests nothing: each kind of reading has to come up again and again.
    kinds = ("AcceptedOrder", "Refused", "InDoubt", "Unavailable", "OrderStatus", "dict")
    assert min(seen[kind] for kind in kinds) > MUTATIONS / 100, seen


UGLY = {
    "brackets": b"[" * 65_536,
    "objects": b'{"order":' * 7_000,
    "brackets closed": b"[" * 32_768 + b"]" * 32_768,
    "digits": b'{"order": ' + b"9" * 60_000 + b"}",
    "exponent": b'{"charge": 1e999999999, "status": "Partial", "remains": 1e999999999}',
    "keys": b"{" + b",".join(b'"%d":0' % number for number in range(6_000)) + b"}",
    "the same key": b"{" + b",".join([b'"order":1'] * 6_000) + b"}",
    "texts": b'{"error": [' + b",".join([b'"x"'] * 15_000) + b"]}",
    "warnings": b"<b>Warning</b>: x on line 1\n" * 2_300,
    "openings": b'{"a"[' * 13_000,
    "escapes": b'{"error": "' + b"\\ud800" * 10_000 + b'"}',
    "numbers": b"[" + b"0," * 32_000 + b"0]",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("shape", UGLY)
def test_an_answer_made_to_hurt_is_bounded(shape: str, reader: str) -> None:
    exchange = exchange_of(reader, UGLY[shape])
    result = bounded(reader, exchange, ("1", "2"), is_weighed=reader in WEIGHED)
    assert judge(reader, exchange, result) == []


@pytest.mark.parametrize("shape", ["numbers", "objects", "rows"])
def test_a_long_list_costs_no_more_than_its_size_allows(shape: str) -> None:
    """Lists may be long (16 MiB), so what a quarter of a megabyte costs says what they all do."""
    size = 256 * 1024
    row = b'{"service":1,"name":"x","rate":"1","min":1,"max":2},'
    piece = {"numbers": b"0,", "objects": b"{},", "rows": row}[shape]
    exchange = exchange_of("services", b"[" + piece * (size // len(piece) - 1) + piece[:-1] + b"]")
    assert judge("services", exchange, bounded("services", exchange, (), most_bytes=48 * size)) == []
