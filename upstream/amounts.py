"""Numbers as providers write them, read exactly or not at all."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")
_LONGEST = 64
_MAX_PLACES = 18


class NotPlain(ValueError):
    """The value is no number in plain notation: absent, a word, a decimal comma, a currency sign, a boolean."""


class NumberOutOfRange(ValueError):
    """The number is too large, or has more than 18 decimal places."""


def amount(value: Any) -> Decimal:
    """Return an exact decimal below 10^12 with at most 18 places, from a JSON number or plain text.

    Raises NotPlain or NumberOutOfRange; guesses nothing.
    """
    number = _plain(value)
    if number.is_zero():
        return Decimal(0)
    exponent = number.as_tuple().exponent
    if number.adjusted() >= 12 or not isinstance(exponent, int) or exponent < -_MAX_PLACES:
        raise NumberOutOfRange("out of range")
    return number


def whole(value: Any) -> int:
    """Return a whole number below 10^15; `50.0` and `1e4` are whole.

    Raises NotPlain (also for a fraction) or NumberOutOfRange.
    """
    if type(value) is int and -(10**15) < value < 10**15:
        return value
    if isinstance(value, str) and len(value) <= 15 and value.isascii() and value.isdigit():
        return int(value)
    number = _plain(value)
    if number.is_zero():
        return 0
    if number.adjusted() >= 15:
        raise NumberOutOfRange("out of range")
    if number.adjusted() < 0 or number != (result := int(number)):
        raise NotPlain("a fraction")
    return result


def amount_or_none(value: Any) -> Decimal | None:
    try:
        return amount(value)
    except (NotPlain, NumberOutOfRange):
        return None


def whole_or_none(value: Any) -> int | None:
    try:
        return whole(value)
    except (NotPlain, NumberOutOfRange):
        return None


def _plain(value: Any) -> Decimal:
    if type(value) is int:
        return Decimal(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise NotPlain("not a number")
        return value
    if isinstance(value, str) and len(value) <= _LONGEST and _PLAIN.fullmatch(text := value.strip()):
        return Decimal(text)
    raise NotPlain("not a plain number")
