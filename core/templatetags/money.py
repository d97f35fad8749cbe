"""Amounts as people read them: at least two places, at most five, decimal points in line, a true minus.

Everything here is exact: an amount is rounded only where the caller asks for whole cents.
"""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal

from django import template
from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi

register = template.Library()

CENT = Decimal("0.01")
MINUS = "−"  # the true minus sign, as wide as a figure
SYMBOLS = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "CN¥", "INR": "₹", "BRL": "R$", "TRY": "₺", "UAH": "₴",
    "RUB": "₽", "KRW": "₩", "VND": "₫", "NGN": "₦", "PHP": "₱", "ILS": "₪", "THB": "฿", "PLN": "zł", "CAD": "CA$",
    "AUD": "A$", "MXN": "MX$",
}  # fmt: skip


def symbol_of(code: str) -> str:
    """The prefix of an amount: ``$``, or the currency code and a space if the currency has no sign."""
    return SYMBOLS.get(code, f"{code}\N{NO-BREAK SPACE}")


def currency_symbol() -> str:
    """The prefix of an amount of the shop's currency."""
    return symbol_of(settings.SHOP_CURRENCY)


def whole_cents(amount: Decimal) -> Decimal:
    """Round down to the cent, so that nobody sees a cent that is not there."""
    return amount.quantize(CENT, rounding=ROUND_FLOOR)


def _digits(amount: Decimal) -> tuple[str, str]:
    """The unsigned amount with two places, and the digits beyond the cent without trailing zeros."""
    figure = f"{abs(amount):,.5f}"
    return figure[:-3], figure[-3:].rstrip("0")


def _sign(amount: Decimal, *, signed: bool) -> str:
    if amount < 0:
        return MINUS
    return "+" if signed and amount > 0 else ""


def money_text(amount: Decimal, *, signed: bool = False) -> str:
    """``−$4.50``, ``$0.0042``: for sentences, titles and messages; kept from left to right in any language."""
    cents, finer = _digits(amount)
    text = f"{_sign(amount, signed=signed)}{currency_symbol()}{cents}{finer}"
    # Or the sign would stand on the other side of the figure.
    return f"\N{LEFT-TO-RIGHT ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}" if get_language_bidi() else text


def money_html(amount: Decimal, *, signed: bool = False, slotted: bool = False) -> SafeString:
    """One amount as ``<span class="money">``; below one cent every digit gets the full colour.

    ``signed`` marks a movement: incoming money gets a plus sign and its own colour.
    ``slotted`` keeps room for digits beyond the cent, as wide as the list's ``slot-N`` class says.
    """
    cents, finer = _digits(amount)
    classes = "money"
    if slotted:
        classes += " money-slot"
    if signed and amount > 0:
        classes += " money-in"
    sub = ""
    if finer or slotted:
        ink = " is-ink" if finer and abs(amount) < CENT else ""
        sub = f'<span class="money-sub{ink}">{finer}</span>'
    # Lists have hundreds of amounts: of their parts only the currency comes from outside.
    figure = f"{_sign(amount, signed=signed)}{escape(currency_symbol())}{cents}"
    return SafeString(f'<span class="{classes}">{figure}{sub}</span>')


def slot_class(amounts: Iterable[Decimal | None]) -> str:
    """The class of a list whose finest amount has N digits beyond the cent: ``slot-N``, or nothing."""
    finest = max((len(_digits(a)[1]) for a in amounts if a is not None), default=0)
    return f"slot-{finest}" if finest else ""


@register.simple_tag
def money(amount: Decimal, *, signed: bool = False, slotted: bool = False, cents: bool = False) -> SafeString:
    """``{% money amount %}``; ``cents=True`` rounds down to whole cents."""
    return money_html(whole_cents(amount) if cents else amount, signed=signed, slotted=slotted)


@register.filter(name="money")
def money_filter(amount: Decimal) -> str:
    """``{{ amount|money }}`` inside a sentence or an attribute: the text alone."""
    return money_text(amount)


@register.filter
def slots(amounts: Iterable[Decimal | None]) -> str:
    return slot_class(amounts)


@register.filter
def negative(amount: Decimal) -> Decimal:
    """The amount with the opposite sign, for receipts that subtract."""
    return -amount
