"""What the page of one order shows."""

import hashlib
from datetime import datetime
from typing import Any

from orders.cancellations import refusal_to_cancel
from orders.models import Order
from orders.pages.endings import ended_by
from orders.pages.forms import TEXTS
from orders.pages.line import line_of
from orders.pages.sentences import sentence
from orders.pages.situations import Situation
from orders.pages.story import story_of
from orders.pages.usual import times_beside_usual
from orders.refill_window import refill_window
from orders.settlement import money_of
from orders.states import PARTIAL

#: Fields of the order that have a place of their own on the page.
_SHOWN_ELSEWHERE = {"link", "quantity", "runs", "interval"}


def version_of(order: Order, situation: Situation, usual: str, *, now: datetime) -> str:
    """Return a version that changes whenever the page would look different, so that a browser can ask for news only."""
    last = order.events.order_by("-id").values_list("id", flat=True).first()
    seen = [
        situation,
        usual,
        order.forward_state,
        order.progress,
        order.remains,
        order.start_count,
        order.refunded,
        last,
    ]
    seen += [r.state for r in order.refills.all()] + [c.state for c in order.cancellations.all()]
    seen.append(refill_window(order, now=now).text)
    seen += [(c.progress, c.remains) for c in order.children.all()]
    return hashlib.blake2b(repr(seen).encode(), digest_size=8).hexdigest()


def order_context(order: Order, situation: Situation, *, now: datetime) -> dict[str, Any]:
    """Return what the templates of the order's page show."""
    refills = list(order.refills.all())
    is_on_sale = type(order.service).objects.on_sale().filter(pk=order.service_id).exists()
    events = list(order.events.all())
    children = list(order.children.all()) if order.may_have_children else []
    # One that came back from a dump may have been sent before, so it is not canceled as unsent.
    no_cancel = refusal_to_cancel(order, is_restored=situation is Situation.RESTORED)
    return {
        "order": order,
        "is_live": not order.is_final or any(r.is_open for r in refills),
        "refills": refills,
        "refill_window": refill_window(order, now=now),
        "refill_is_open": any(r.is_open for r in refills),
        "open_cancellation": next((c for c in order.cancellations.all() if c.is_open), None),
        "line": line_of(order, children, now=now) if order.may_have_children else None,
        "ended_by": ended_by(order, situation, events),
        "times": times_beside_usual(order),
        "counts": counts_of(order),
        "sentence": sentence(order, situation),
        "can_be_canceled": no_cancel is None,
        "no_cancel": "" if no_cancel is None else str(no_cancel.message),
        "story": story_of(order, events, now=now),
        "money": money_of(order),
        "again": is_on_sale,
        "missing_order": is_on_sale
        and order.face is PARTIAL
        and not order.is_subscription
        and order.service.min <= order.missing,
        "extra_fields": [
            (TEXTS[n][0] if n in TEXTS else n, v) for n, v in order.fields.items() if n not in _SHOWN_ELSEWHERE
        ],
    }


def counts_of(order: Order) -> dict[str, int | None]:
    """Return the counter of the link at the start, at the end and now; None until the provider has named a start."""
    start = order.start_count
    if start is None:
        return {"start": None, "target": None, "now": None}
    return {"start": start, "target": start + order.total, "now": start + order.delivered}
