"""What customers read about a top-up: its state, and one sentence of what happened and what comes next."""

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from billing.gateways.contract import Ability
from billing.models import TopUp, TopUpState
from billing.topups import methods
from core.templatetags.money import money_text
from core.templatetags.shop import state_html

_LOOKS = {
    TopUpState.CREATED: ("is-pending", "clock"),
    TopUpState.PENDING: ("is-pending", "clock"),
    TopUpState.PAID: ("is-completed", "circle-check"),
    TopUpState.UNDERPAID: ("is-partial", "contrast"),
    TopUpState.EXPIRED: ("is-canceled", "circle-x"),
    TopUpState.FAILED: ("is-failed", "circle-alert"),
    TopUpState.HELD: ("is-progress", "shield-check"),
    TopUpState.DISPUTED: ("is-partial", "circle-alert"),
    TopUpState.PART_REFUNDED: ("is-canceled", "undo-2"),
    TopUpState.REFUNDED: ("is-canceled", "undo-2"),
    TopUpState.CHARGED_BACK: ("is-failed", "circle-alert"),
}


def topup_state(topup: TopUp) -> SafeString:
    """Return the badge of a top-up's state."""
    kind, icon = _LOOKS[TopUpState(topup.state)]
    return state_html(kind, icon, str(TopUpState(topup.state).label))


def is_refunded_by_link(topup: TopUp) -> bool:
    """True if its gateway makes links for refunds: it does not say whether the customer took the money."""
    return methods.can(topup.method, Ability.REFUND_LINK)


def sentence(topup: TopUp) -> str | Promise:
    """Return what happened to a top-up, where the money is, and what the customer can do."""
    facts = {
        "arrived": money_text(topup.credited),
        "received": topup.received_text,
        "asked": topup.pay_text,
        "why": topup.why,
    }
    match TopUpState(topup.state):
        case TopUpState.CREATED:
            return _("We have not reached the payment service yet and try again within a minute. You paid nothing.")
        case TopUpState.PENDING if topup.received:
            return _("%(received)s of %(asked)s came in. Pay the rest, and the whole amount is credited.") % facts
        case TopUpState.PENDING if topup.why:
            return _("Your payment was seen and waits for confirmations. You do not need to pay again.")
        case TopUpState.PENDING:
            return _("Waiting for your payment. The wallet is credited once, also if you close this page.")
        case TopUpState.PAID:
            return _("%(arrived)s is in your wallet.") % facts
        case TopUpState.UNDERPAID if topup.credited:
            return _("%(received)s of %(asked)s came in. %(arrived)s is in your wallet.") % facts
        case TopUpState.UNDERPAID:
            return _("%(received)s of %(asked)s came in. The shop decides what happens with it.") % facts
        case TopUpState.EXPIRED:
            return _("Nothing was paid in time. What you paid after that still counts: you do not need to ask.")
        case TopUpState.FAILED if topup.why:
            return _("This payment failed: %(why)s") % facts
        case TopUpState.FAILED:
            return _("This payment failed. Nothing was credited, and you can start another one.")
        case TopUpState.HELD:
            return _("Your payment is being checked by the shop. You do not need to pay again.")
        case TopUpState.DISPUTED:
            return _("Your bank wants this payment back. The shop answers it, and until then your wallet is frozen.")
        case TopUpState.PART_REFUNDED if is_refunded_by_link(topup):
            return _(
                "A part of this payment is being refunded: collect it with the link on the page of this top-up. It was "
                "taken out of your wallet."
            )
        case TopUpState.REFUNDED if is_refunded_by_link(topup):
            return _(
                "This payment is being refunded: collect it with the link on the page of this top-up. It was taken out "
                "of your wallet."
            )
        case TopUpState.PART_REFUNDED:
            return _("A part of this payment was sent back to you and taken out of your wallet.")
        case TopUpState.REFUNDED:
            return _("This payment was sent back to you and taken out of your wallet.")
        case _other:
            return _("This payment was charged back. Your wallet is frozen; please contact the shop.")
