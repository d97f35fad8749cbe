"""Reads what gateways write: amounts and currencies, exactly or not at all."""

import re
from decimal import Decimal
from typing import Any

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


def decimals_of(currency: str) -> int:
    """Return how many decimals amounts of a currency have: two if nothing else is known."""
    return DECIMALS.get(currency, 2)


def amount_text(amount: Decimal, currency: str) -> str:
    """Return an amount as people read it: ``10.30 USD``, with more decimals only where it has more."""
    whole, _point, fraction = f"{amount:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals_of(currency), "0")
    return f"{whole}.{fraction} {currency}" if fraction else f"{whole} {currency}"


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


def read_currency(value: Any) -> str:
    """Return the currency's code in capital letters. Raises Unreadable."""
    if not isinstance(value, str) or not value.isascii() or not _CURRENCY.match(value.upper()):
        raise Unreadable("no currency")
    return value.upper()
