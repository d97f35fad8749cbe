"""Who ended an order that was not delivered in full, and why, in one sentence."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.models import StaffAction
from core.templatetags.shop import duration_text
from orders.models import EventKind, Order, OrderEvent
from orders.pages.situations import Situation
from orders.states import Forward, Progress
from orders.verdicts import CANCELED_UNSENT, sentence_for


def ended_by(order: Order, situation: Situation, events: Iterable[OrderEvent]) -> str:
    """Return who ended ``order`` and why; "" for one that is open or was delivered in full.

    One query where somebody asked to cancel it: the customer, or the shop for them.
    """
    asked = [event.at for event in events if event.kind in (EventKind.CANCEL_ASKED, EventKind.REFUNDED_UNSENT)]
    match situation:
        case Situation.NOT_PLACED if order.last_refusal == CANCELED_UNSENT:
            return _("We, before it was sent") if _shop_asked(order) else _("You, before it was sent")
        case Situation.NOT_PLACED if order.forward_state == Forward.REFUSED:
            return _("The supplier, which did not take it")
        case Situation.NOT_PLACED:
            return str(sentence_for(order.last_refusal)) if order.last_refusal else _("We: it could not be placed")
        case Situation.CANCELED_AS_ASKED | Situation.PARTIAL_AS_ASKED if not asked or _shop_asked(order):
            return _("The supplier: the shop asked it to stop")
        case Situation.CANCELED_AS_ASKED | Situation.PARTIAL_AS_ASKED:
            when = date_format(timezone.localtime(asked[-1]), "j M, H:i T")
            return _("The supplier, as you asked on %(when)s") % {"when": when}
        case Situation.CANCELED_BY_SUPPLIER if order.progress == Progress.REFUNDED:
            return _("The supplier, which refunded it and gave no reason")
        case Situation.CANCELED_BY_SUPPLIER | Situation.PARTIAL:
            return _("The supplier, which gave no reason")
        case Situation.NOT_DELIVERED:
            grace = duration_text(timedelta(seconds=settings.FAILED_GRACE_SECONDS))
            return _("We, after the supplier had reported a problem for %(time)s") % {"time": grace}
        case Situation.SETTLED_BY_HAND:
            return _("We, after looking into it")
    return ""


def _shop_asked(order: Order) -> bool:
    """Whether staff asked to cancel it (`orders.cancel_by_hand`)."""
    by_hand = StaffAction.objects.filter(object_type=order._meta.label_lower, object_id=str(order.pk))
    return by_hand.filter(action="order.cancel").exists()
