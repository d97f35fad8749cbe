"""The rows of "My orders". Orders that look alike share one rendering, because a page has 25 of them."""

from collections.abc import Hashable
from datetime import datetime

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.shop.platforms import letters_of
from core.kept_html import filled
from core.templatetags.money import money_html
from core.templatetags.shop import num
from orders.models import Order
from orders.pages.row_menu import RowMenu
from orders.pages.sentences import note
from orders.pages.situations import Situation
from orders.states import RefillState
from orders.templatetags.order_words import order_state, ordered, short_link

register = template.Library()


@register.simple_tag
def order_row(
    order: Order, situations: dict[int, Situation], menus: dict[int, RowMenu], *, oob: bool | str = False
) -> SafeString:
    """One order in a list; with ``oob`` it takes the place of the row that an open page shows."""
    menu, face = menus[order.pk], order.face
    alike: dict[str, Hashable] = {
        "oob": bool(oob),
        "face": face.name,
        "css": face.css,
        "runs": order.runs,
        "state": order_state(order, listed=True),
        "why": note(situations[order.pk]),
        "cancel_is_open": order.cancel_is_open,
        "refill": _refill(order),
        "is_refunded": bool(order.refunded),
        "can_order_again": menu.again,
        "can_refill": not menu.no_refill,
        "can_cancel": not menu.no_cancel,
        "is_unsent": menu.is_unsent,
    }
    own: dict[str, str | int] = {
        "number": order.pk,
        "url": reverse("orders:order", args=[order.pk]),
        "at": _time(order.created_at),
        "tile": letters_of(order.service.platform),
        "service": order.service_id,
        "name": ordered(order),
        "link": short_link(order.target),
        "delivered": order.delivered,
        "total": order.total,
        "done": num(order.delivered),
        "all": num(order.total),
        "charge": money_html(order.charge, slotted=True),
        "refunded": money_html(order.refunded, signed=True, slotted=True),
        "no_refill": menu.no_refill,
        "no_cancel": menu.no_cancel,
    }
    return filled("orders/row.html", alike=alike, own=own)


def _refill(order: Order) -> str:
    """How the newest refill of an order stands: open, completed or declined; "" without one."""
    refill = next(iter(order.refills.all()), None)
    if refill is None:
        return ""
    return "open" if refill.is_open else "completed" if refill.state == RefillState.COMPLETED else "declined"


def _time(at: datetime) -> SafeString:
    """When an order was placed, as a list shows it: the time of today, else with the day."""
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localdate()
    words = f"{local:%H:%M}" if is_today else date_format(local, "j M H:i")
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), words)
