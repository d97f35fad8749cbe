"""Prices for rows that a test inserts by itself, made as the shop makes them."""

from decimal import Decimal

from catalog.pricing import Markup, cost_of_unit, price_from


def marked_up(rate: Decimal, exchange_rate: Decimal, percent: Decimal) -> Decimal:
    """Return the price by a provider's own markup, where no rule says otherwise."""
    return price_from(cost_of_unit(rate, exchange_rate), Markup(percent=percent))
