"""The alerts about one top-up, opened and closed in the transaction that changes it."""

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.gateways.contract import Dispute, Reading
from billing.gateways.reading import amount_text
from billing.models import TopUp, TopUpState
from billing.models.topups import TO_DECIDE, Decision
from billing.topups.uncredited import is_worth_deciding, uncredited_of
from notices import causes
from notices.alerts import close_alert, raise_alert


def alert_to_change(topup: TopUp, old: str, reading: Reading | None, *, charged_back: Decimal, now: datetime) -> None:
    """Open or close the alerts about a top-up that was in the state ``old``."""
    pk, number, customer = topup.pk, topup.number, topup.customer
    is_held = topup.state == TopUpState.HELD
    if is_held or (topup.state in TO_DECIDE and not topup.credited):
        why = topup.why or _("Less was paid than was asked for.")
        raise_alert(causes.TOPUP_TO_DECIDE, now=now, topup=pk, number=number, customer=customer, why=why)
    elif old in TO_DECIDE:
        close_alert(causes.TOPUP_TO_DECIDE, now=now, topup=pk)
    if topup.state == TopUpState.FAILED and reading is not None and reading.is_unsure:
        raise_alert(causes.PAYMENT_UNSURE, now=now, topup=pk, number=number, customer=customer, why=topup.why)
    elif old == TopUpState.FAILED:
        close_alert(causes.PAYMENT_UNSURE, now=now, topup=pk)
    if reading is not None and reading.dispute is not Dispute.NONE:
        raise_alert(causes.PAYMENT_DISPUTED, now=now, topup=pk, number=number, customer=customer, why=topup.why)
    elif reading is not None:
        close_alert(causes.PAYMENT_DISPUTED, now=now, topup=pk)
    is_new = topup.state == TopUpState.CHARGED_BACK and old != TopUpState.CHARGED_BACK
    if is_new or (is_held and topup.taken and charged_back):
        raise_alert(causes.CHARGED_BACK, now=now, topup=pk, number=number, customer=customer)


def warn_once(topup: TopUp, why: str, *, now: datetime) -> None:
    """Open an alert about something new of a top-up that the owner accepted, and note it in ``topup.why``.

    What is in its history is not new: the owner accepted it, or was warned.
    """
    if topup.history.filter(facts__why=why).exists():
        return
    topup.why = why
    warn(topup, why, now=now)


def warn(topup: TopUp, why: str, *, now: datetime) -> None:
    """Open an alert about the payment of a top-up; the owner closes it."""
    name, number, customer = topup.method.name, topup.number, topup.customer
    raise_alert(causes.PAYMENT_WARNING, now=now, topup=topup.pk, name=name, number=number, customer=customer, why=why)


def alert_to_surplus(topup: TopUp, old: str, here: Decimal, *, has_more: bool, now: datetime) -> None:
    """Open an alert about money that is not credited, after more came in or was accepted; close it once none is left.

    ``here`` is what came in and was not sent back, and ``old`` the state before.
    """
    if topup.received <= topup.pay_amount and topup.decision != Decision.REJECTED:
        return
    is_accepted = old in TO_DECIDE and topup.decision == Decision.ACCEPTED
    if not is_worth_deciding(topup, here):
        close_alert(causes.NOT_CREDITED, now=now, topup=topup.pk)
    elif has_more or is_accepted:
        amount = amount_text(uncredited_of(topup, here), topup.pay_currency)
        raise_alert(
            causes.NOT_CREDITED, now=now, topup=topup.pk, number=topup.number, customer=topup.customer, amount=amount
        )
