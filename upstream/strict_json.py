"""JSON without guesses: exact decimals, doubled keys noticed, no NaN, bounded nesting and integers."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_DEPTH = 32
_NESTING = (dict, list)
# Stands for a number that no decimal can hold. It is not finite, so every reader of numbers refuses it.
_TOO_LARGE = Decimal("Infinity")


class Doubled(dict[str, Any]):
    """A JSON object in which a key occurred more than once; `pairs` keeps every value."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class Fields(dict[str, Any]):
    """A JSON object by lower-case key. `doubled` holds every value of a key that occurred more than once."""

    def __init__(self, source: dict[str, Any]) -> None:
        super().__init__()
        self.doubled: dict[str, list[Any]] = {}
        pairs = source.pairs if isinstance(source, Doubled) else source.items()
        for key, value in pairs:
            name = key.lower()
            if name in self:
                self.doubled.setdefault(name, [self[name]]).append(value)
            else:
                self[name] = value


def parse(text: str) -> Any:
    """Return the value of one complete JSON text. Raises ValueError for anything else, however deep or odd."""
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _too_deep(value):
        raise ValueError("nested too deeply")
    return value


def parse_start(text: str, position: int) -> tuple[Any, int]:
    """Return the JSON value that begins at `position`, and where it ends. Raises ValueError if there is none."""
    try:
        value, end = _DECODER.raw_decode(text, position)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _too_deep(value):
        raise ValueError("nested too deeply")
    return value, end


def as_json_safe(value: Any, limit: int = 20_000) -> Any:
    """Return the value with decimals as text, long texts cut, and without what a database column refuses."""
    if isinstance(value, str):
        return clean(value, limit)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {clean(key, 100): as_json_safe(item, limit) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json_safe(item, limit) for item in value]
    return value


def clean(text: str, limit: int) -> str:
    """Return the text without NUL and lone surrogates, at most `limit` characters."""
    text = text[:limit]
    if "\x00" in text:
        text = text.replace("\x00", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "ignore").decode("utf-8")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else Doubled(pairs)


def _integer(text: str) -> int | Decimal:
    # A number of more than 20 characters is no id and no count; as a decimal it is cheap to read.
    return int(text) if len(text) <= 20 else _decimal(text)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return _TOO_LARGE


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _too_deep(value: Any) -> bool:
    level = [value] if isinstance(value, _NESTING) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        children = (outer.values() if isinstance(outer, dict) else outer for outer in level)
        level = [inner for inners in children for inner in inners if isinstance(inner, _NESTING)]
    return bool(level)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_decimal, parse_int=_integer, parse_constant=_refuse, strict=True
)
