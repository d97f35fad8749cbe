"""``{% about price %}``: a price in the currency that the visitor chose, next to the shop's own."""

from decimal import Decimal

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from catalog.models import DisplayCurrency
from catalog.prices.display import converted_text

register = template.Library()


@register.simple_tag(takes_context=True)
def about(context: Context, price: Decimal | None, highest: Decimal | None = None) -> SafeString:
    """Return “about €1.23”, or “about €1.23 – €4.56” up to ``highest``; nothing where no currency is chosen."""
    chosen = context["currencies"].chosen if "currencies" in context else None
    if chosen is None or price is None:
        return SafeString("")
    if highest is None or highest == price:
        return format_html(_("about {amount}"), amount=_html(price, chosen))
    return format_html(_("about {lowest} – {highest}"), lowest=_html(price, chosen), highest=_html(highest, chosen))


def _html(price: Decimal, currency: DisplayCurrency) -> SafeString:
    return format_html('<bdi dir="ltr" class="money">{}</bdi>', converted_text(price, currency))
