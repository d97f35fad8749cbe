"""Where an order stands, in one plain sentence: what happened, where the money is, what comes next."""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.templatetags.money import money_html
from core.templatetags.shop import num
from orders.models import Order
from orders.states import CANCELED, COMPLETED, CONFIRMING, IN_PROGRESS, PARTIAL, SENDING, Forward
from orders.verdicts import sentence_for


def _filled(sentence: str, **parts: object) -> SafeString:
    """A translated sentence with amounts in it. The sentence is ours; every part is escaped or is ours as well."""
    return format_html(sentence, **parts)


def sentence(order: Order) -> str | SafeString:
    """The sentence under the ruler, in the customer's language."""
    face, charge = order.face, money_html(order.charge)
    if face is CONFIRMING:
        return _filled(
            _(
                "We are confirming this order with our supplier. Their answer was lost on the way. "
                "Your {charge} stays reserved; nothing is charged twice."
            ),
            charge=charge,
        )
    if face is SENDING:
        return _("We are handing the order to our supplier.")
    if order.cancel_is_open:
        return _("You asked to cancel it. The supplier has not answered yet; until it does, delivery may go on.")
    if face is IN_PROGRESS:
        return _("The supplier is delivering. What has arrived is paid from what you reserved; the rest stays yours.")
    if face is COMPLETED:
        return _completed(order)
    if face is PARTIAL:
        return _partial(order)
    if face is CANCELED:
        return _canceled(order)
    return _pending(order, charge)


def _pending(order: Order, charge: SafeString) -> str | SafeString:
    if order.forward_state == Forward.PLACED:
        return _("The supplier has the order and will begin soon.")
    if order.last_refusal == "duplicate_link":
        return str(sentence_for(order.last_refusal))
    if order.tries:
        return _filled(
            _("The supplier cannot take it right now; we try again by ourselves. Your {charge} stays reserved."),
            charge=charge,
        )
    return _filled(_("It goes to our supplier in a moment. Your {charge} stays reserved."), charge=charge)


def _completed(order: Order) -> str | SafeString:
    if order.refunded:
        return _filled(
            _("Delivered. {refunded} of the {charge} came back to your wallet."),
            refunded=money_html(order.refunded),
            charge=money_html(order.charge),
        )
    return _filled(_("All of it arrived. You paid {paid}."), paid=money_html(order.net_charge))


def _partial(order: Order) -> str | SafeString:
    if order.refunded == Decimal(0):
        return _filled(_("The supplier stopped at {done}."), done=num(order.delivered))
    return _filled(
        _("The supplier stopped at {done}. You do not pay for the other {missing}: {refunded} is back in your wallet."),
        done=num(order.delivered),
        missing=num(order.missing),
        refunded=money_html(order.refunded),
    )


def _canceled(order: Order) -> str | SafeString:
    never_taken = order.forward_state in (Forward.REFUSED, Forward.REFUNDED)
    why = sentence_for(order.last_refusal) if never_taken and order.last_refusal else ""
    if order.refunded == Decimal(0):
        return str(why) or _("It was canceled.")
    return _filled(
        "{why} {back}" if why else "{back}",
        why=why,
        back=_filled(_("Nothing is charged: {refunded} is back in your wallet."), refunded=money_html(order.refunded))
        if order.refunded == order.charge
        else _filled(_("It was canceled. {refunded} is back in your wallet."), refunded=money_html(order.refunded)),
    )
