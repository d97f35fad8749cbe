"""For every fault of an ``add`` a bare socket client sees exactly that fault, and the record says placed or not."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from tests.simulator.bare_client import Seen, exchange, request_bytes
from upstream.simulator import RunningSimulator
from upstream.simulator.faults import AT_ACCEPT, CLIENT_SIDE, FAULTS
from upstream.simulator.http_faults import REASONS

Check = Callable[[Seen, "list[int]"], bool]

# How long a test waits for an answer that never comes, in seconds.
SILENCE = 0.3
SILENT = {"timeout_after_accept", "late_place", "late_beyond_settle", "never_read"}
DRIPPING = {
    "drip_headers": b"X-Drip",
    "drip_body": b'{"',
    "r307_drip": b"<h",
    "continue_forever": b"Continue\r\n\r\n" + b"HTTP/1.1 100 Continue\r\n\r\n" * 2,
}


def whole(seen: Seen) -> bool:
    return seen.end == "fin" and len(seen.body) == seen.announced


def body(check: Callable[[bytes, list[int]], bool]) -> Check:
    return lambda seen, ids: whole(seen) and seen.status == 200 and check(seen.body, ids)


def shows(build: Callable[[int], object]) -> Check:
    """The body is the JSON of ``build(id)``: of the order's id where one was placed, else of any number."""
    return body(
        lambda data, ids: ids[:1] in ([], [_number(data)]) and data == json.dumps(build(_number(data))).encode()
    )


def _number(data: bytes) -> int:
    return int("".join(chr(byte) for byte in data.split(b"error")[0] if chr(byte).isdigit()))


def page(status: int) -> Check:
    reason = REASONS[status].encode()
    return lambda seen, ids: whole(seen) and seen.status == status and reason in seen.body and b"<html" in seen.body


def moved(status: int) -> Check:
    return lambda seen, ids: whole(seen) and seen.status == status and "/_sim/redirect-target" in seen.head


def nothing(end: str) -> Check:
    return lambda seen, ids: (seen.data, seen.end) == (b"", end)


def bomb(seen: Seen, ids: list[int]) -> bool:
    unpacked = zlib.decompressobj(wbits=31).decompress(seen.body, 1000)
    packed_members = seen.body.count(gzip.compress(b" ")[:4])
    small = len(seen.body) < 2 * 1024 * 1024
    return (
        "Content-Encoding: gzip" in seen.head
        and small
        and packed_members >= 64
        and json.loads(unpacked)["order"] == ids[0]
    )


# Fault -> whether the order is placed, and what the client must see.
EXPECTED: dict[str, tuple[bool, Check]] = {
    "timeout_after_accept": (True, nothing("open")),
    "late_place": (False, nothing("open")),
    "late_beyond_settle": (False, nothing("open")),
    "close_no_answer": (True, nothing("fin")),
    "rst_no_answer": (True, nothing("rst")),
    "half_status": (True, lambda seen, ids: (seen.data, seen.end) == (b"HTTP/1.1 2", "fin")),
    "reset_mid_body": (True, lambda seen, ids: seen.end == "rst" and 0 < len(seen.body) < seen.announced),
    "short_body": (True, lambda seen, ids: seen.end == "fin" and seen.announced == len(seen.body) + 100),
    "drip_headers": (
        True,
        lambda seen, ids: seen.end == "open" and b"X-Drip" in seen.data and b"\r\n\r\n" not in seen.data,
    ),
    "drip_body": (
        True,
        lambda seen, ids: seen.end == "open" and seen.body.startswith(b'{"') and "Content-Length" not in seen.head,
    ),
    "continue_forever": (True, lambda seen, ids: seen.end == "open" and seen.data.count(b"100 Continue") > 2),
    "gzip_bomb": (True, bomb),
    "big_body": (
        True,
        lambda seen, ids: whole(seen) and seen.announced > 20_000_000 and seen.json == {"order": ids[0]},
    ),
    "header_1mb": (
        True,
        lambda seen, ids: whole(seen) and len(seen.head) > 1_000_000 and seen.json == {"order": ids[0]},
    ),
    "headers_500": (
        True,
        lambda seen, ids: whole(seen) and seen.head.count("\r\n") > 500 and seen.json == {"order": ids[0]},
    ),
    "r301": (False, moved(301)),
    "r302": (False, moved(302)),
    "r307": (False, moved(307)),
    "r308": (False, moved(308)),
    "r307_drip": (False, lambda seen, ids: seen.end == "open" and seen.status == 307 and seen.body.startswith(b"<h")),
    "r307_bad_location": (
        False,
        lambda seen, ids: whole(seen) and seen.status == 307 and "Location: http://[::1/" in seen.head,
    ),
    "h500": (False, page(500)),
    "h502_html": (False, page(502)),
    "h503": (False, page(503)),
    "h504": (True, page(504)),
    **{f"h{status}": (False, page(status)) for status in range(520, 527)},
    "h429": (
        False,
        lambda seen, ids: seen.status == 429 and "Retry-After" not in seen.head and b"Too many" in seen.body,
    ),
    "h429_retry_after": (False, lambda seen, ids: seen.status == 429 and "Retry-After: 2" in seen.head),
    "h403_challenge": (False, lambda seen, ids: seen.status == 403 and b"<html" in seen.body),
    "h200_html": (False, body(lambda data, ids: b"<!doctype html>" in data)),
    "h200_empty": (True, body(lambda data, ids: data == b"")),
    "h204": (True, lambda seen, ids: seen.status == 204 and (seen.body, seen.end) == (b"", "fin")),
    "php_warning_json": (
        True,
        body(lambda data, ids: data.startswith(b"<br") and json.loads(data[data.index(b"{") :]) == {"order": ids[0]}),
    ),
    "bom": (True, body(lambda data, ids: data == b'\xef\xbb\xbf{"order": %d}' % ids[0])),
    "trailing_garbage": (
        True,
        body(lambda data, ids: data.startswith(b'{"order": %d}' % ids[0]) and data.endswith(b"-->")),
    ),
    "dup_keys": (True, body(lambda data, ids: data.count(b'"order"') == 2 and b"%d" % ids[0] in data)),
    "order_str": (True, shows(lambda number: {"order": str(number)})),
    "order_float": (
        False,
        body(lambda data, ids: data.endswith(b".0}") and isinstance(json.loads(data)["order"], float)),
    ),
    "order_exp": (False, body(lambda data, ids: b"e4}" in data)),
    "order_bool": (False, body(lambda data, ids: json.loads(data) == {"order": True})),
    "order_null": (False, body(lambda data, ids: json.loads(data) == {"order": None})),
    "order_empty": (False, body(lambda data, ids: json.loads(data) == {"order": ""})),
    "order_negative": (False, shows(lambda number: {"order": -number})),
    "order_zero": (False, body(lambda data, ids: json.loads(data) == {"order": 0})),
    "order_40_digits": (False, body(lambda data, ids: len(str(json.loads(data)["order"])) == 40)),
    "order_list": (False, shows(lambda number: {"order": [number]})),
    "order_object": (False, shows(lambda number: {"order": {"id": number}})),
    "order_and_error": (False, shows(lambda number: {"order": number, "error": "Something went wrong"})),
    "error_empty": (False, body(lambda data, ids: json.loads(data) == {"error": ""})),
    "error_unknown": (False, body(lambda data, ids: json.loads(data)["error"].startswith("Zam"))),
    "error_known": (False, body(lambda data, ids: json.loads(data) == {"error": "Incorrect link"})),
    "array_for_object": (False, shows(lambda number: [{"order": number}])),
    "id_ours": (False, shows(lambda number: {"order": number})),
    "id_foreign": (False, shows(lambda number: {"order": number})),
    "latin1": (False, body(lambda data, ids: b"\xf3" in data and "ó" in data.decode("latin-1"))),
    "nan": (False, body(lambda data, ids: b'"charge": NaN' in data)),
    "deep_10000": (False, body(lambda data, ids: data.count(b"[") == data.count(b"]") == 10_000)),
    "no_funds": (False, body(lambda data, ids: json.loads(data) == {"error": "Not enough funds on balance"})),
    "bad_key": (False, body(lambda data, ids: json.loads(data) == {"error": "Invalid API key"})),
    "repriced": (True, shows(lambda number: {"order": number})),
    "balance_drops": (True, shows(lambda number: {"order": number})),
    "refund_in_window": (True, shows(lambda number: {"order": number})),
    "rst_on_accept": (False, nothing("rst")),
    "close_on_accept": (False, nothing("fin")),
    "never_read": (False, nothing("open")),
}
OF_OTHER_ACTIONS = ("status", "services", "refill", "cancel")
OF_TLS = {"tls_bad_cert", "tls_not_tls", "tls_drip"}


def placed(provider: RunningSimulator, link: str) -> list[int]:
    return [int(order["order"]) for order in provider.orders() if order["link"] == link]


@pytest.mark.parametrize("fault", sorted(EXPECTED))
def test_a_link_asks_for_a_fault(provider: RunningSimulator, fault: str) -> None:
    wanted, check = EXPECTED[fault]
    link = f"https://example.com/{fault}?fault={fault}"
    add = request_bytes({"key": provider.key, "action": "add", "service": 1, "link": link, "quantity": 100})
    before = provider.record()["faults"].get(fault, 0)
    seen = exchange(provider.port, add, patience=SILENCE if fault in SILENT else 10, until=DRIPPING.get(fault, b""))
    record = provider.record()
    ids = [int(order["order"]) for order in record["orders"] if order["link"] == link]
    assert len(ids) == wanted
    assert check(seen, ids), (seen.data[:300], seen.end)
    assert record["faults"][fault] == before + 1


def test_every_fault_has_its_test() -> None:
    elsewhere = {
        name for name, fault in FAULTS.items() if fault.group in OF_OTHER_ACTIONS or name.startswith("balance_")
    }
    assert set(FAULTS) - elsewhere - OF_TLS == set(EXPECTED) - {"balance_drops"}
    assert not CLIENT_SIDE & set(FAULTS)
    for name in set(EXPECTED) - {"late_place", "late_beyond_settle"}:
        assert FAULTS[name].placed == EXPECTED[name][0], name


@pytest.mark.parametrize("fault", ["h500", "r307", "order_zero", "order_and_error"])
def test_the_suffix_p_places_the_order(provider: RunningSimulator, fault: str) -> None:
    link = f"https://example.com/{fault}?fault={fault}_p"
    add = request_bytes({"key": provider.key, "action": "add", "service": 1, "link": link, "quantity": 100})
    exchange(provider.port, add)
    assert len(placed(provider, link)) == 1


def test_the_suffix_np_does_not_place_the_order(provider: RunningSimulator) -> None:
    link = "https://example.com/quiet?fault=close_no_answer_np"
    add = request_bytes({"key": provider.key, "action": "add", "service": 1, "link": link, "quantity": 100})
    assert exchange(provider.port, add) == Seen(b"", "fin")
    assert placed(provider, link) == []


@pytest.mark.parametrize("fault", sorted(AT_ACCEPT - OF_TLS))
def test_an_early_fault_strikes_before_a_byte_is_read(provider: RunningSimulator, fault: str) -> None:
    before = provider.record()
    provider.control(script=[fault])
    seen = exchange(provider.port, b"", patience=SILENCE if fault in SILENT else 10)
    assert EXPECTED[fault][1](seen, [])
    after = provider.record()
    assert after["requests"]["total"] == before["requests"]["total"]
    assert after["connections"] == before["connections"] + 1


def test_a_refused_order_leaves_no_answer_to_lose(provider: RunningSimulator) -> None:
    """A bad request is refused although a fault would spoil its answer: there is no id to spoil."""
    link = "https://example.com/few?fault=order_str"
    add = request_bytes({"key": provider.key, "action": "add", "service": 1, "link": link, "quantity": 1})
    assert exchange(provider.port, add).json == {"error": "Quantity less than minimal 50"}


def test_a_client_that_follows_a_redirect_is_caught(provider: RunningSimulator) -> None:
    link = "https://example.com/trap?fault=r308"
    add = request_bytes({"key": provider.key, "action": "add", "service": 1, "link": link, "quantity": 100})
    target = exchange(provider.port, add).head.partition("Location: ")[2].split("\r\n")[0]
    before = len(provider.record()["redirected"])
    port = int(target.split(":")[2].split("/")[0])
    exchange(port, add.replace(b"/api/v2", b"/_sim/redirect-target"))
    (seen,) = provider.record()["redirected"][before:]
    assert seen["method"] == "POST"
    assert seen["saw_key"] is True
