"""The state of an order in one plain sentence: what happened, where the money is, what comes next."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.templatetags.money import money_html
from core.templatetags.shop import num
from orders.models import Order
from orders.states import CANCELED, COMPLETED, CONFIRMING, IN_PROGRESS, PARTIAL, SENDING, Forward
from orders.verdicts import sentence_for


def sentence(order: Order) -> str | SafeString:
    """Return the sentence under the ruler in the customer's language. Amounts are escaped when they are filled in."""
    face, charge, refunded = order.face, money_html(order.charge), money_html(order.refunded)
    if face is CONFIRMING:
        text = _(
            "We are confirming this order with our supplier. Their answer was lost on the way. "
            "Your {charge} stays reserved; nothing is charged twice."
        )
        return format_html(text, charge=charge)
    if face is SENDING:
        return _("We are sending the order to our supplier.")
    if order.cancel_is_open:
        return _("You asked to cancel it. The supplier has not answered yet; until it does, delivery may go on.")
    if face is IN_PROGRESS:
        return _(
            "The supplier is delivering. It is settled when it ends: you pay for what arrived, the rest comes back."
        )
    if face is COMPLETED:
        if order.refunded:
            text = _("Delivered. {refunded} of the {charge} is back in your wallet.")
            return format_html(text, refunded=refunded, charge=charge)
        return format_html(_("All of it arrived. You paid {paid}."), paid=money_html(order.net_charge))
    if face is PARTIAL:
        done, missing = num(order.delivered), num(order.missing)
        if not order.refunded:
            return format_html(_("The supplier stopped at {done}."), done=done)
        text = _(
            "The supplier stopped at {done}. You do not pay for the other {missing}: {refunded} is back in your wallet."
        )
        return format_html(text, done=done, missing=missing, refunded=refunded)
    if face is CANCELED:
        return _canceled(order, refunded)
    # Pending: with the supplier, or still on its way there.
    if order.forward_state == Forward.PLACED:
        return _("The supplier has the order and will begin soon.")
    if order.last_refusal == "duplicate_link":
        return str(sentence_for(order.last_refusal))
    if order.tries:
        text = _("The supplier cannot take it right now; we try again by ourselves. Your {charge} stays reserved.")
        return format_html(text, charge=charge)
    return format_html(_("We send it to our supplier in a moment. Your {charge} stays reserved."), charge=charge)


def _canceled(order: Order, refunded: SafeString) -> str | SafeString:
    never_taken = order.forward_state in (Forward.REFUSED, Forward.REFUNDED)
    reason = sentence_for(order.last_refusal) if never_taken and order.last_refusal else ""
    if not order.refunded:
        return str(reason) or _("It was canceled.")
    if order.refunded == order.charge:
        back = format_html(_("Nothing is charged: {refunded} is back in your wallet."), refunded=refunded)
    else:
        back = format_html(_("It was canceled. {refunded} is back in your wallet."), refunded=refunded)
    return format_html("{} {}", reason, back) if reason else back
