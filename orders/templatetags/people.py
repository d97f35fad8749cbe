from typing import Any

from django import template

from accounts.models import User
from orders.models import Order

register = template.Library()

ORDERS_SHOWN = 10


@register.inclusion_tag("admin/orders/of_person.html", takes_context=True)
def orders_of_person(context: dict[str, Any], person: User) -> dict[str, Any]:
    """A customer's newest orders on their page in the admin, for staff who may see orders."""
    if person.is_staff or not context["request"].user.has_perm("orders.view_order"):
        return {}
    return {"person": person, "orders": Order.objects.filter(customer=person).order_by("-id")[:ORDERS_SHOWN]}
