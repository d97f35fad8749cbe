"""Filters for admin pages about prices."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils.safestring import SafeString

from catalog.admin.figures import NOTHING, price_html
from catalog.prices.customer_prices import until_text
from core.money import round_up
from core.numbers import plain_number

register = template.Library()
_TENTH = Decimal("0.1")


@register.filter
def price(amount: Decimal | None) -> SafeString | str:
    return price_html(amount)


@register.filter
def cost(amount: Decimal) -> SafeString | str:
    """An exact cost, rounded up to the quantum to be read."""
    return price_html(round_up(amount))


@register.filter
def margin(percent: Decimal | None) -> str:
    return NOTHING if percent is None else f"{percent.quantize(_TENTH):f} %"


@register.filter
def plain(number: Decimal) -> str:
    """A number without an exponent and without zeros at its end."""
    return plain_number(number)


@register.filter
def until(ends_at: datetime | None) -> str:
    """The last day of a customer's price, or the moment at which it ends."""
    return NOTHING if ends_at is None else until_text(ends_at)
