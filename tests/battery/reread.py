"""A second, slow reading of an answer, written from the provider's documentation and sharing no code with the client.

It does not repeat the client's work. It only says what must be there before an order may be called placed or refused,
and before a status may cost money.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

PLACED_KEYS = ("order", "order_id")

#: Class of a refusal by what its text holds; the first that fits. What is no word about an order is left out. "=" is
#: a code, which is the whole text; "?" is a pattern that has to be there as well, for words that say too little alone.
_OF_A_LINK = r"\b(link|url|post|profile|channel|private|public)s?\b"
LISTED = (
    ("duplicate_link", "you have active order with this link", "active order with this link exists",
     "wait until order being completed", "duplicate order", "=link_duplicate", "=duplicate_order"),
    ("rate_limited", "too many requests", "rate limit"),
    ("invalid_key", "invalid api key", "incorrect api key", "api key not found", "api key is not specified",
     "api key field is required", "api is disable", "unauthorized"),
    ("account_blocked", "account suspended", "account is disabled", "user inactive", "account banned",
     "you are banned", "your account is banned", "your account has been banned"),
    ("not_enough_funds", "not enough funds", "insufficient balance", "insufficient funds", "not enough balance",
     "exceeds available funds", "exceeds available balance", "=not_enough_funds"),
    ("maintenance", "maintenance", "under construction", "temporarily closed"),
    ("service_resting", r"?\bservices?\b", "temporarily", "paused"),
    ("service_gone", "incorrect service id", "invalid service id", "service not found", "service does not exist",
     "service id does not exist", "service is not available", "service unavailable", "service disabled",
     "=incorrect_service_id",
     "=service_inactive", "=service_not_found", "=invalid_service"),
    ("bad_quantity", "incorrect quantity", "quantity less than m", "quantity more than m", "min quantity",
     "max quantity", "minimum quantity", "maximum quantity", "quantity must be", "quantity must to be",
     "=min_quantity", "=max_quantity"),
    ("unsupported", "incorrect request", "invalid action", "action is invalid", "the action field is required"),
    ("bad_params", "comments", "dripfeed", "missing required parameter", "is required", "=comment"),
    ("bad_link", "incorrect link", "invalid link", "bad link", "link not found", "link must be a valid", "=link",
     "=invalid_link", "=link_not_found"),
    ("server_fault", "something went wrong", "internal error", "internal server error",
     "unexpected error", "exception", "sqlstate", "deadlock", "timed out", "timeout", "gone away"),
    ("bad_link", f"?{_OF_A_LINK}", "try again"),
    ("bad_link", rf"?{_OF_A_LINK}|\b(account|page|group)s?\b", "banned"),
    ("server_fault", "try again"),
)  # fmt: skip
MONEY_WORDS = {
    "partial": "partial",
    **dict.fromkeys(("canceled", "cancelled", "canelled"), "canceled"),
    **dict.fromkeys(("refunded", "refund", "refunds"), "refunded"),
}


@dataclass(frozen=True)
class Pairs:
    """A JSON object as it was written: every pair, in order."""

    pairs: tuple[tuple[str, Any], ...]

    def get(self, name: str) -> Any:
        return next((value for key, value in self.pairs if key.lower() == name), None)

    @property
    def is_doubled(self) -> bool:
        return len({key.lower() for key, _value in self.pairs}) < len(self.pairs)


@dataclass(frozen=True)
class Said:
    """The one JSON value of a body; ``noise`` if other output came before it."""

    value: Any
    noise: bool


def reread(body: bytes, content_type: str) -> Said | None:
    """The body's JSON value, or None where it is not exactly one, perhaps behind warnings."""
    charset = re.search(r"charset=([\w-]+)", content_type)
    try:
        text = body.decode("utf-8-sig" if body[:3] == b"\xef\xbb\xbf" or not charset else charset[1]).strip()
    except (UnicodeError, LookupError):
        return None
    openings = [found.start() for found in re.finditer(r"[{\[]", text)]
    for start in (0, *openings[:100], *openings[-100:]):
        # What comes before the value may be warnings, and nothing else.
        if start and not re.search(r"warning|notice|deprecated", text[:start], re.IGNORECASE):
            continue
        try:
            return Said(json.loads(text[start:], **_STRICT), start > 0)
        except (ValueError, RecursionError):
            continue
    return None


def _pairs(pairs: list[tuple[str, Any]]) -> Pairs:
    return Pairs(tuple(pairs))


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


_STRICT: dict[str, Any] = {"object_pairs_hook": _pairs, "parse_constant": _no_constant, "parse_float": _decimal}


def id_of(value: Any) -> str | None:
    """The id that a value is, or None."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    if re.fullmatch(r"[0-9]{1,20}", text):
        return text.lstrip("0") or None
    is_word = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) and re.search("[A-Za-z]", text) and re.search("[0-9]", text)
    return text if is_word and not re.fullmatch(r"[0-9]+[eE][+-]?[0-9]+", text) else None


def layers(value: Any) -> list[Pairs]:
    """The object itself, and the one that its `data` wraps where the outer one names no order."""
    if not isinstance(value, Pairs):
        return []
    names = {key.lower() for key, _item in value.pairs}
    inner = value.get("data")
    return [value, inner] if isinstance(inner, Pairs) and not names & {"order", "order_id"} else [value]


def objects(value: Any) -> Iterator[Pairs]:
    """Every object in a value, at any depth."""
    items: Any = ()
    if isinstance(value, Pairs):
        yield value
        items = [item for _key, item in value.pairs]
    elif isinstance(value, list):
        items = value
    for item in items:
        yield from objects(item)


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    items = [item for _key, item in value.pairs] if isinstance(value, Pairs) else value
    return [text for item in items for text in texts(item)] if isinstance(items, list) else []


def complaints(layer: Pairs) -> list[str]:
    """The texts of the error that an object speaks of."""
    said = texts(layer.get("error"))
    if said:
        return said
    message = texts(layer.get("message")) or texts(layer.get("msg"))
    error = layer.get("error")
    if error is True or (isinstance(error, int | Decimal | list | Pairs) and error not in (0, [], Pairs(()))):
        return message
    status = layer.get("status")
    failed = isinstance(status, str) and status.strip().lower() in ("error", "fail", "failed")
    return texts(layer.get("errors")) or (message if failed else [])


def class_of(said: list[str]) -> str | None:
    """The listed class of an error's texts, None for none."""
    pieces = [" ".join(text.lower().split()).removesuffix(".").rstrip() for text in said]
    whole = "; ".join(pieces)
    codes = {re.sub(r"^(neworder\.)?(error\.)?", "", piece) for piece in pieces}
    for name, *listed in LISTED:
        words = [word for word in listed if word[0] != "?"]
        beside = [word[1:] for word in listed if word[0] == "?"]
        if all(re.search(pattern, whole) for pattern in beside) and any(
            word[1:] in codes if word[0] == "=" else word in whole for word in words
        ):
            return name
    return None


def state_of(value: Any) -> str | None:
    """Which word of money a state is, if it is one."""
    if not isinstance(value, str):
        return None
    return MONEY_WORDS.get(re.sub(r"[\s._-]", "", unicodedata.normalize("NFKC", value).lower()))


def whole(value: Any) -> int | None:
    """A whole number in plain spelling."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?", str(value).strip(), re.ASCII):
        return None
    number = Decimal(str(value).strip())
    return int(number) if number == int(number) else None
