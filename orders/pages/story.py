"""The history of an order for its customer, oldest first. What only the owner should know is left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.templatetags.money import money_text
from core.templatetags.shop import num
from orders.models import EventKind, Order, OrderEvent
from orders.models.order import Source
from orders.refills import refusal_to_refill
from orders.verdicts import sentence_for


@dataclass(frozen=True)
class Step:
    """One line of the history. ``css`` colours its dot, ``is_new_day`` says that the time needs its date."""

    at: datetime
    icon: str
    css: str
    title: str
    text: str = ""
    is_new_day: bool = False


#: Kind -> icon, class of the dot, title. Kinds that are missing here are for the owner alone.
PLAIN = "is-plain"
LOOKS: dict[str, tuple[str, str, Any]] = {
    EventKind.ACCEPTED: ("receipt-text", PLAIN, gettext_lazy("Placed")),
    EventKind.SENT: ("send", PLAIN, gettext_lazy("Sent to the supplier")),
    EventKind.DELAYED: ("clock", PLAIN, gettext_lazy("The supplier could not take it yet")),
    EventKind.DOUBTED: ("hourglass", "is-confirming", gettext_lazy("Confirming with supplier")),
    EventKind.PLACED: ("check", PLAIN, gettext_lazy("The supplier has it")),
    EventKind.REFUSED: ("circle-x", "is-canceled", gettext_lazy("The supplier did not take it")),
    EventKind.REFUNDED_UNSENT: ("circle-x", "is-canceled", gettext_lazy("Not sent")),
    EventKind.STARTED: ("trending-up", PLAIN, gettext_lazy("Started")),
    EventKind.FINISHED: ("circle-check", "is-completed", gettext_lazy("Completed")),
    EventKind.REFUND: ("undo-2", "is-completed", gettext_lazy("Refunded to your wallet")),
    EventKind.REFILL_ASKED: ("rotate-cw", PLAIN, gettext_lazy("You asked for a refill")),
    EventKind.REFILL_REQUESTED: ("send", PLAIN, gettext_lazy("Refill passed on to the supplier")),
    EventKind.REFILL_DOUBTED: ("hourglass", "is-confirming", gettext_lazy("Confirming the refill with the supplier")),
    EventKind.REFILL_DONE: ("rotate-cw", "is-completed", gettext_lazy("Refilled")),
    EventKind.REFILL_CLOSED: ("rotate-cw", "is-canceled", gettext_lazy("The supplier never answered the refill")),
    EventKind.CANCEL_ASKED: ("circle-x", PLAIN, gettext_lazy("Cancellation requested")),
    EventKind.CANCEL_REQUESTED: ("send", PLAIN, gettext_lazy("Cancellation passed on to the supplier")),
    EventKind.CANCEL_DECLINED: ("circle-x", "is-canceled", gettext_lazy("The supplier does not cancel this order")),
    EventKind.LINK_CHANGED: ("copy", PLAIN, gettext_lazy("The link was changed for you")),
    EventKind.REFILL_DECLINED: ("rotate-cw", "is-canceled", gettext_lazy("Refill declined by the supplier")),
}


def story_of(order: Order, events: Iterable[OrderEvent], *, now: datetime) -> list[Step]:
    """Return the steps in order of time; several tries to send are one step, unless something came between them."""
    steps: list[Step] = []
    was_in_doubt, day = False, timezone.localdate(order.created_at)
    for event in events:
        look = LOOKS.get(event.kind)
        if look is None:
            continue
        title, text = _words(order, event, was_in_doubt=was_in_doubt, now=now)
        icon, css = (order.face.icon, order.face.css) if event.kind == EventKind.FINISHED else look[:2]
        if steps and steps[-1].title == title and event.kind in (EventKind.SENT, EventKind.DELAYED):
            continue
        local_day = timezone.localdate(event.at)
        steps.append(Step(event.at, icon, css, title, text, is_new_day=local_day != day))
        was_in_doubt, day = event.kind == EventKind.DOUBTED, local_day
    return steps


def _way(order: Order) -> str:
    """Through what it was placed, where that was not a page; one query if it was a known key."""
    if order.source != Source.API:
        return ""
    if order.api_key is None:
        return _("Through the API.")
    return _("Through the API with your key “%(name)s”.") % {"name": order.api_key.name}


def _words(order: Order, event: OrderEvent, *, was_in_doubt: bool, now: datetime) -> tuple[str, str]:
    """The title of a step and the sentence under it, which may be empty."""
    detail, title = event.detail, str(LOOKS[event.kind][2])
    match event.kind:
        case EventKind.ACCEPTED:
            return _("Placed, %(charge)s reserved") % {"charge": money_text(order.charge)}, _way(order)
        case EventKind.DELAYED:
            return title, _("We try again automatically.")
        case EventKind.DOUBTED:
            return title, _("The supplier’s answer was lost on the way. Nothing is sent again until we know.")
        case EventKind.PLACED if was_in_doubt:
            return _("Confirmed: the supplier has it"), _("Nothing was sent again.")
        case EventKind.REFUSED:
            return title, str(sentence_for(str(detail.get("class", ""))))
        case EventKind.REFUNDED_UNSENT:
            return title, str(sentence_for(str(detail.get("why", "")))) if "why" in detail else ""
        case EventKind.LINK_CHANGED:
            return title, str(detail.get("new link", ""))
        case EventKind.REFILL_ASKED if detail.get("by") == "staff":
            return _("We asked for a refill for you"), ""
        case EventKind.REFILL_CLOSED:
            may_ask = refusal_to_refill(order, now=now) is None
            return title, _("You may ask for another one.") if may_ask else ""
        case EventKind.CANCEL_REQUESTED:
            return title, _("You get your money back when the supplier confirms it.")
        case EventKind.STARTED if isinstance(order.start_count, int):
            return _("Started at %(count)s") % {"count": num(order.start_count)}, ""
        case EventKind.FINISHED if order.missing and order.delivered:
            counts = {"done": num(order.delivered), "missing": num(order.missing)}
            return str(order.face.word), _("%(done)s delivered, %(missing)s not.") % counts
        case EventKind.FINISHED:
            return str(order.face.word), ""
        case EventKind.REFUND:
            try:
                amount = money_text(Decimal(str(detail.get("amount"))))
            except InvalidOperation:
                return title, ""
            return _("%(amount)s refunded to your wallet") % {"amount": amount}, ""
    return title, ""
