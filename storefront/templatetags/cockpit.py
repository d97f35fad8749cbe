"""Parts of the owner's pages: changes, small charts, amounts in a provider's currency, short dates."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.moments import moment_text
from core.templatetags.money import MINUS, symbol_of, whole_cents
from storefront.cockpit.charts import Change, Spark, percent_text

register = template.Library()


@register.simple_tag
def change(found: Change | None) -> SafeString | str:
    """How a figure changed; nothing where there is nothing to compare with."""
    return format_html('<span class="chg {}">{}</span>', found.kind, found.text) if found else ""


@register.simple_tag
def spark(bars: Spark, label: str) -> SafeString:
    """A chart without axes, as high as a line of text."""
    return format_html(
        '<svg class="spark" viewBox="0 0 132 28" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}"/><path class="now" d="{}"/></svg>',
        label, bars.past, bars.now,
    )  # fmt: skip


@register.simple_tag
def amount_in(amount: Decimal, currency: str) -> SafeString:
    """An amount of a provider, rounded down to two places, with the sign of its currency."""
    sign = MINUS if amount < 0 else ""
    figure = f"{sign}{symbol_of(currency)}{whole_cents(abs(amount)):,}"
    return format_html('<span class="money">{}</span>', figure)


@register.filter
def percent(value: Decimal) -> str:
    return percent_text(value)


@register.filter
def moment(at: datetime) -> str:
    """``14:04`` today, ``21 Nov 16:03`` this year, ``21 Nov 2025`` before."""
    return moment_text(at)


@register.filter
def topup_number(reference: str) -> str:
    """``33`` of the ledger's ``topup:33``; empty for a reference to anything else."""
    number = reference.removeprefix("topup:")
    return number if number != reference and number.isascii() and number.isdigit() else ""
