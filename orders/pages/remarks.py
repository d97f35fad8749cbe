"""What the order form says about its fields: about the link, and why nothing can be placed yet."""

from typing import Any

from accounts.models import User
from catalog.links.reader import read_link
from catalog.links.refusals import BadLink
from orders.checkout.checks import service_platforms
from orders.checkout.same_link import open_order_for
from orders.pages.forms import OrderForm
from orders.pages.link_help import other_kind, other_platform_offer
from orders.pages.reasons import reason_of


def remarks_on(form: OrderForm, customer: User | None) -> dict[str, Any]:
    """Return what the templates of the form show of this.

    ``reason`` why nothing can be placed, ``offer`` for a link of another platform, ``other_kind`` for one of another
    kind, ``same_link`` as the customer's newest open order for the same link.
    """
    service, typed = form.service, form.typed()
    remarks: dict[str, Any] = {"reason": reason_of(form, form.problems)}
    if problem := form.problems.get("link"):
        remarks["offer"] = other_platform_offer(service, typed, problem)
    try:
        link = read_link(typed.get("link", ""), platforms=service_platforms(service))
    except BadLink:
        return remarks
    if customer:
        remarks["same_link"] = open_order_for(customer_id=customer.pk, service_id=service.pk, link_key=link.key)
    return remarks | {"other_kind": other_kind(service, link)}
