from typing import Any

from django import template

from core.clock import database_now
from orders.pages.attention import attention

register = template.Library()


@register.inclusion_tag("admin/attention.html", takes_context=True)
def what_needs_a_decision(context: dict[str, Any]) -> dict[str, Any]:
    """The box on the first page of the admin, for staff who may see orders."""
    if not context["request"].user.has_perm("orders.view_order"):
        return {}
    return {"attention": attention(now=database_now())}
