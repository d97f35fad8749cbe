"""One measured sentence for the home page."""

from django import template

from orders.facts import week

register = template.Library()

#: Of fewer orders the home page says nothing.
ENOUGH = 50


@register.simple_tag
def week_in_orders() -> week.WeekInOrders | None:
    """Return how soon last week's orders started, None where they are too few to say."""
    found = week.week_in_orders()
    return found if found.half is not None and found.started >= ENOUGH else None
