"""Formats rates, costs and margins for the admin: exact, in their own currency."""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.models import Provider
from catalog.pricing import cost_of_unit
from core.money import divide, multiply, round_up
from core.templatetags.money import money_html

NOTHING = "–"
_TENTH = Decimal("0.1")


def provider_amount_html(amount: Decimal | None, currency: str) -> SafeString | str:
    """Return a provider's amount with all its digits but trailing zeros, and its currency."""
    if amount is None:
        return NOTHING
    return format_html('<span class="money">{} <small>{}</small></span>', f"{amount.normalize():,f}", currency)


def cost_html(rate: Decimal | None, provider: Provider) -> SafeString | str:
    """Return what 1,000 (or a package) costs us in the shop's currency, rounded up to the quantum."""
    if rate is None or rate <= 0:
        return NOTHING
    return money_html(round_up(cost_of_unit(rate, provider.exchange_rate)))


def price_html(price: Decimal | None) -> SafeString | str:
    return NOTHING if price is None else money_html(price)


def margin_text(price: Decimal | None, rate: Decimal | None, provider: Provider) -> str:
    """Return the margin in percent of the price, with one decimal."""
    if price is None or rate is None or rate <= 0:
        return NOTHING
    earned = price - cost_of_unit(rate, provider.exchange_rate)
    return f"{divide(multiply(earned, 100), price).quantize(_TENTH):f} %"
