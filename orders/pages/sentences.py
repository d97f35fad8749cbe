"""An order's situation in plain words: what happened, where the money is, what comes next and by when.

Customers read no provider's name, balance or text here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.templatetags.money import money_html, money_text
from core.templatetags.shop import duration_text, num
from orders.models import Order
from orders.pages.situations import Situation
from orders.states import Forward
from orders.verdicts import sentence_for

#: The line under the state in a list, where the state alone says too little.
NOTES: dict[Situation, str | Promise] = {
    Situation.LATE: gettext_lazy("Waits longer than usual"),
    Situation.RESTORED: gettext_lazy("Sending is paused for a check"),
    Situation.FROZEN: gettext_lazy("Sending is paused for a check"),
    Situation.SUPPLIER_AWAY: gettext_lazy("Waits for the supplier"),
    Situation.HELD_BACK: gettext_lazy("Held back for a check"),
    Situation.LINK_BUSY: gettext_lazy("Waits for your other order"),
    Situation.TOOK_NOT: gettext_lazy("Waits for the supplier"),
    Situation.NOT_REACHED: gettext_lazy("Sent again soon"),
    Situation.CONFIRMING: gettext_lazy("Your money is reserved"),
    Situation.BY_HAND: gettext_lazy("Checked by us, your money is reserved"),
    Situation.PAUSED: gettext_lazy("Paused by the supplier"),
    Situation.FAILED: gettext_lazy("The supplier reports a problem"),
    Situation.COUNTING: gettext_lazy("The last part is being counted"),
    Situation.UNCLEAR: gettext_lazy("Checked by us, your money is reserved"),
    Situation.SILENT: gettext_lazy("No news from the supplier"),
    Situation.PARTIAL_AS_ASKED: gettext_lazy("Stopped on request"),
    Situation.SETTLED_BY_HAND: gettext_lazy("Settled by us"),
    Situation.CANCELED_BY_SUPPLIER: gettext_lazy("By the supplier"),
    Situation.CANCELED_AS_ASKED: gettext_lazy("On request"),
    Situation.NOT_DELIVERED: gettext_lazy("Not delivered"),
    Situation.NOT_PLACED: gettext_lazy("Not placed"),
}

#: Without a date, an amount or a count of the order.
_PLAIN: dict[Situation, str | Promise] = {
    Situation.SENDING: gettext_lazy("We are sending the order to our supplier."),
    Situation.ACCEPTED: gettext_lazy("The supplier has the order and will begin soon."),
    Situation.PAUSED: gettext_lazy(
        "The supplier has paused it and may go on. It is settled when it ends: you pay for what arrived, the rest "
        "comes back."
    ),
    Situation.COUNTING: gettext_lazy(
        "The supplier has ended it and still counts the last part. You pay for what arrived, the rest comes back."
    ),
}

_WAITING: dict[Situation, str | Promise] = {
    Situation.SOON: gettext_lazy("We send it to our supplier in a moment."),
    Situation.LATE: gettext_lazy("Sending it takes longer than usual. It will be sent automatically."),
    Situation.RESTORED: gettext_lazy(
        "We have paused sending while we check our records. It will be sent when that is done."
    ),
    Situation.FROZEN: gettext_lazy(
        "We have paused sending for a check. Your order has not been sent yet. It will be sent when the check is done; "
        "until then you can cancel it."
    ),
    Situation.SUPPLIER_AWAY: gettext_lazy(
        "Our supplier takes no orders at the moment. Your order has not been sent yet. It will be sent as soon as "
        "possible; until then you can cancel it."
    ),
    Situation.LINK_BUSY: gettext_lazy("Another order for this link is still running; this one waits for it."),
    Situation.TOOK_NOT: gettext_lazy("The supplier cannot take it right now. We try again automatically."),
    Situation.NOT_REACHED: gettext_lazy("It did not reach our supplier. We send it again automatically."),
}


def usual_wait() -> str:
    """How long a lost answer and what is held back because of it take, as a rule: "15 min"."""
    return duration_text(timedelta(seconds=1.5 * settings.DOUBT_SETTLE_SECONDS))


def note(situation: Situation) -> str:
    """Return the line under the state in a list, "" where there is nothing to add."""
    return str(NOTES.get(situation, ""))


def sentence(order: Order, situation: Situation) -> str | SafeString:
    """Return what the order's page says about it, in the customer's language."""
    said = _about(order, situation)
    if not order.cancel_is_open or order.is_final:
        return said
    asked = _("The supplier has been asked to cancel it and has not answered yet; until it does, delivery may go on.")
    if situation in (Situation.ACCEPTED, Situation.RUNNING):
        return asked
    return format_html("{} {}", asked, said)


def _about(order: Order, situation: Situation) -> str | SafeString:
    if order.forward_state == Forward.QUEUED:
        return _queued(order, situation)
    if order.is_final:
        return _over(order, situation)
    if situation in _PLAIN:
        return str(_PLAIN[situation])
    charge = money_html(order.charge)
    match situation:
        case Situation.CONFIRMING:
            text = _(
                "We are confirming this order with our supplier. Their answer was lost on the way. Your {charge} stays "
                "reserved; nothing is charged twice. This usually takes up to {usual}."
            )
            return _with_deadline(format_html(text, charge=charge, usual=usual_wait()), order, _doubt_ends(order))
        case Situation.BY_HAND:
            text = _(
                "The supplier's answer was lost, and we could not find out automatically whether it has the order. We "
                "are looking into it. Your {charge} stays reserved; nothing is charged twice."
            )
            return _with_deadline(format_html(text, charge=charge), order, _doubt_ends(order))
        case Situation.FAILED:
            text = _("The supplier reports a problem and may still deliver.")
            return _with_deadline(text, order, _failure_ends(order))
        case Situation.UNCLEAR:
            text = _(
                "The supplier's last answer is not clear, so we are looking into it. Until then nothing is settled."
            )
            return text
        case Situation.SILENT if order.answered_at is not None:
            text = _("The supplier has not answered about it since {time}; what you see is from then. We keep asking.")
            return format_html(text, time=_clock(order.answered_at))
        case Situation.SILENT:
            return _("The supplier has the order and has not answered about it yet. We keep asking.")
    if order.is_subscription:
        return _("The supplier is delivering. Each post is paid for when it ends; what is not delivered comes back.")
    return _("The supplier is delivering. It is settled when it ends: you pay for what arrived, the rest comes back.")


def _queued(order: Order, situation: Situation) -> str | SafeString:
    if situation is Situation.HELD_BACK:
        text = _(
            "We hold it back while we check other orders at this supplier, usually for up to {usual}. It has not been "
            "sent; you can cancel it."
        )
        why: str | SafeString = format_html(text, usual=usual_wait())
    elif situation is Situation.LINK_BUSY and order.waits_for_order:
        text = _("Your order #%(number)s for this link is still open. This one is sent when that has ended.")
        why = text % {"number": order.waits_for_id}
    else:
        why = str(_WAITING[situation])
    reserved = format_html(_("Your {charge} stays reserved."), charge=money_html(order.charge))
    if situation in (Situation.SOON, Situation.RESTORED):
        return format_html("{} {}", why, reserved)
    patience = order.provider.patience_seconds or settings.PATIENCE_SECONDS
    ends_at = order.created_at + timedelta(seconds=patience)
    return _with_deadline(format_html("{} {}", why, reserved), order, ends_at)


def end_in_text(order: Order, situation: Situation) -> str:
    """Return what is said about an order that is over, with its amounts as plain text, for mails."""
    return str(_over(order, situation, money_text))


def _over(order: Order, situation: Situation, money: Callable[[Decimal], str] = money_html) -> str | SafeString:
    charge, refunded = money(order.charge), money(order.refunded)
    counts = {"done": num(order.delivered), "all": num(order.total), "missing": num(order.missing)}
    match situation:
        case Situation.COMPLETED if not order.refunded:
            return format_html(_("All of it arrived. You paid {paid}."), paid=money(order.net_charge))
        case Situation.COMPLETED:
            text = _("Delivered. {refunded} of the {charge} is back in your wallet.")
            return format_html(text, refunded=refunded, charge=charge)
        case Situation.EXPIRED:
            text = _("It has reached its end: {done} of {all} arrived. You paid {paid}.")
            paid = format_html(text, **counts, paid=money(order.net_charge))
            return format_html("{} {}", paid, _back(order, money)) if order.refunded else paid
        case Situation.PARTIAL | Situation.PARTIAL_AS_ASKED | Situation.SETTLED_BY_HAND:
            if situation is Situation.SETTLED_BY_HAND:
                stopped = format_html(_("We looked into it and settled it: {done} of {all} arrived."), **counts)
            elif situation is Situation.PARTIAL_AS_ASKED:
                stopped = format_html(_("The supplier was asked to stop, and stopped at {done}."), **counts)
            else:
                stopped = format_html(_("The supplier stopped at {done}."), **counts)
            if not order.refunded:
                return stopped
            text = _("You do not pay for the other {missing}: {refunded} is back in your wallet.")
            return format_html("{} {}", stopped, format_html(text, **counts, refunded=refunded))
        case Situation.CANCELED_AS_ASKED:
            why: str | Promise = _("The supplier was asked to cancel it, and did.")
        case Situation.NOT_DELIVERED:
            why = _("The supplier could not deliver it.")
        case Situation.NOT_PLACED:
            why = sentence_for(order.last_refusal) if order.last_refusal else ""
        case _:
            why = _("The supplier canceled it.")
    back = _back(order, money)
    return format_html("{} {}", why, back) if order.refunded and why else back or str(why)


def _back(order: Order, money: Callable[[Decimal], str]) -> str | SafeString:
    """What came back to the wallet; "" if nothing did."""
    if not order.refunded:
        return ""
    refunded = money(order.refunded)
    if order.refunded == order.charge:
        return format_html(_("Nothing is charged: {refunded} is back in your wallet."), refunded=refunded)
    return format_html(_("{refunded} is back in your wallet."), refunded=refunded)


def _with_deadline(text: str | SafeString, order: Order, ends_at: datetime | None) -> str | SafeString:
    if ends_at is None:
        return text
    open_until = _("If this has not changed by {time}, your {charge} comes back.")
    return format_html("{} {}", text, format_html(open_until, time=_clock(ends_at), charge=money_html(order.charge)))


def _doubt_ends(order: Order) -> datetime | None:
    """When a doubt is refunded for its age, None if the owner wants none to be."""
    if order.sent_at is None or not settings.DOUBT_REFUND_SECONDS:
        return None
    return order.sent_at + timedelta(seconds=settings.DOUBT_REFUND_SECONDS)


def _failure_ends(order: Order) -> datetime | None:
    """When what the provider calls failed counts as canceled; None for what settles from its runs or posts."""
    if order.state_since is None or order.may_have_children:
        return None
    return order.state_since + timedelta(seconds=settings.FAILED_GRACE_SECONDS)


def _clock(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M, H:i T")
