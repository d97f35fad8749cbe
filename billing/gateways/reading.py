"""Reads what gateways write: JSON, amounts and currencies, exactly or not at all."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

_AMOUNT = re.compile(r"[0-9]{1,30}(\.[0-9]{1,18})?\Z", re.ASCII)
_SCIENTIFIC = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,18})?)[eE]([+-]?[0-9]{1,2})\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z0-9]{3,12}\Z", re.ASCII)

#: Currencies with another number of decimals than two.
DECIMALS = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "HUF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "TWD",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
) | dict.fromkeys(["BHD", "JOD", "KWD", "OMR", "TND"], 3)
DECIMALS |= {"BTC": 8, "LTC": 8, "ETH": 8, "USDT": 6, "USDC": 6, "TRX": 6}


class Unreadable(ValueError):
    """What the gateway wrote is no amount, or no currency."""


class Literal(str):
    """A number of a JSON text as it is written there: no float, and no digit lost or added."""

    __slots__ = ()


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text in UTF-8, with each number as a :class:`Literal`.

    Raises Unreadable for anything else: two equal keys, NaN, a byte order mark, more than the stack holds.
    """
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as problem:
        raise Unreadable("no JSON") from problem


def write_json(value: Any) -> str:
    """Return the JSON text of a value without blanks, keys in order, each :class:`Literal` as it was written.

    Floats and whole numbers are refused with TypeError: an amount is a Literal.
    """
    if isinstance(value, dict):
        # JavaScript's order: by units of UTF-16.
        pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_quoted(name)}:{write_json(item)}" for name, item in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    raise TypeError(f"{type(value).__name__} is not written")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("a key stands there twice")
    return found


def _refuse(word: str) -> NoReturn:
    raise Unreadable(f"{word} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=Literal, parse_int=Literal, parse_constant=_refuse, strict=True
)


def find_header(headers: Mapping[str, str], name: str) -> str:
    """Return a header of a call by its name in small letters, in whatever case it was sent; empty if there is none."""
    return next((value for key, value in headers.items() if key.lower() == name), "")


def decimals_of(currency: str) -> int:
    """Return how many decimals amounts of a currency have: two if nothing else is known."""
    return DECIMALS.get(currency, 2)


def digits(amount: Decimal, currency: str) -> str:
    """Return an amount as gateways read it: ``10.30``, with more decimals only where it has more."""
    whole, _point, fraction = f"{amount:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals_of(currency), "0")
    return f"{whole}.{fraction}" if fraction else whole


def amount_text(amount: Decimal, currency: str) -> str:
    """Return an amount as people read it: ``10.30 USD``."""
    return f"{digits(amount, currency)} {currency}"


def read_amount(value: Any) -> Decimal:
    """Return the amount in ``value``: text or a whole number, of plain digits. Raises Unreadable.

    Signs, blanks, NaN, other digits than 0 to 9 and binary fractions are refused, as are exponents above 18.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unreadable(f"an amount is no {type(value).__name__}")
    text = str(value)
    if _AMOUNT.match(text):
        return Decimal(text)
    found = _SCIENTIFIC.match(text)
    if found is None or abs(int(found[2])) > 18:
        raise Unreadable(f"{text[:40]!r} is no amount")
    return Decimal(found[1]).scaleb(int(found[2]))


def read_given(value: Any) -> Decimal | None:
    """Return the amount in ``value``; None where nothing is given: null, an empty text, zero. Raises Unreadable."""
    return None if value is None or value == "" else read_amount(value) or None


def read_currency(value: Any) -> str:
    """Return the currency's code in capital letters. Raises Unreadable."""
    if not isinstance(value, str) or not value.isascii() or not _CURRENCY.match(value.upper()):
        raise Unreadable("no currency")
    return value.upper()


def read_minor(value: Any, decimals: int) -> Decimal:
    """Return the amount of a whole number of smallest units, such as cents for two ``decimals``. Raises Unreadable."""
    amount = read_amount(value)
    if amount != amount.to_integral_value():
        raise Unreadable("a part of the smallest unit")
    return amount.scaleb(-decimals)


def write_minor(amount: Decimal, decimals: int) -> int:
    """Return an amount in smallest units. Raises Unreadable for one that has a part of such a unit."""
    units = amount.scaleb(decimals)
    if units != units.to_integral_value():
        raise Unreadable("a part of the smallest unit")
    return int(units)
