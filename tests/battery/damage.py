"""Damage to kept answers, from a seeded source of chance: bytes lost and changed, values and keys of JSON exchanged."""

import json
import random
from typing import Any

SCRAPS = (
    b'"order":', b"23501", b"null", b"true", b"1e999999999", b"-1", b"NaN", b"{", b"}", b"[", b"]", b'"', b",", b":",
    b"\x00", b"\xff", b"\\ud800", b"\\u0000", b"<b>Warning</b>: x on line 3", b'{"error":"Invalid API key"}',
    b"9" * 400, b"[" * 3000, b'"status":"Canceled"', b'"remains":"1000"', b"\xef\xbb\xbf", b'{"order":1}', b"\\",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 23501, 10**18, 10**25, 0.5, "", " ", "0", "1", "23501", " 23501 ", "00023501", "1e4",
    "2.35e4", "NaN", "Infinity", "-0", "1,5", "\u0661\u0662", "x" * 600, "\x00", "\ud800", [], {}, [1], [[]],
    {"error": "Incorrect order ID"}, {"error": ""}, {"order": 1}, "Canceled", "Partial", "Completed", "Refunded",
    "Incorrect link", "try again later", "Not enough funds on balance", "error", "<script>alert(1)</script>",
)  # fmt: skip
KEYS = (
    "order", "Order", "order_id", "id", "error", "errors", "status", "Status", "remains", "charge", "message", "data",
    "refill", "cancel", "currency", "start_count", "orders", "runs", "service", "rate", "min", "23501", "0023501",
    "balance", "ticket_id",
)  # fmt: skip


def damaged(body: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The body, damaged once to three times."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        inside = _exchanged(body, chance) if chance.random() < 0.5 else None
        body = _torn(body, others, chance) if inside is None else inside
    return body


def _torn(body: bytes, others: list[bytes], chance: random.Random) -> bytes:
    place = chance.randint(0, len(body))
    end = min(len(body), place + chance.randint(0, 8))
    match chance.randint(0, 6):
        case 0:
            return body[:place]
        case 1:
            return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
        case 2:
            return body[:place] + chance.choice(SCRAPS) + body[end:]
        case 3:
            return body[:place] + body[end:]
        case 4:
            return body + chance.choice(others)
        case 5:
            return body.swapcase()
    return body[:end] + body[place:]


def _exchanged(body: bytes, chance: random.Random) -> bytes | None:
    """The same JSON with one value, key or pair changed, or None where there is no JSON to change."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    places = list(_places(value))
    if not places:
        return None
    holder, key = chance.choice(places)
    doubled = ""
    match chance.randint(0, 4):
        case 0 | 1:
            holder[key] = chance.choice(VALUES)
        case 2:
            del holder[key]
        case 3 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = chance.choice((holder[key], chance.choice(VALUES)))
        case _ if isinstance(holder, dict):
            # A key that comes twice cannot be held by a dict: a mark is put in and replaced in the text.
            doubled = json.dumps(chance.choice((str(key), str(key).upper())))
            holder["@twice"] = chance.choice((holder[key], chance.choice(VALUES)))
    text = json.dumps(value)
    return text.replace('"@twice"', doubled).encode() if doubled else text.encode()


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            yield value, key
            yield from _places(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield value, index
            yield from _places(item)
