"""Canned answers, filled in from the order of a ticket."""

import re

from core.templatetags.money import money_text
from orders.models import Order
from support.models import CannedAnswer

_PLACE = re.compile(r"\{(order|service|link|refunded)\}")


def filled(canned: CannedAnswer, order: Order | None) -> str:
    """Return the text with what it says of ``order``; without one, its places stay as they are, to be seen."""
    if order is None:
        return canned.text
    words = {
        "order": f"#{order.pk}", "service": order.service_name, "link": order.target,
        "refunded": money_text(order.refunded),
    }  # fmt: skip
    return _PLACE.sub(lambda place: words[place[1]], canned.text)
