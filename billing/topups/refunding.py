"""Refunds of payments: the money leaves the wallet first, then the gateway is asked, with one key until it answers."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.staff_limits import take_from_limit, within_limits
from billing.gateways.contract import Ability, Declined, NoAnswer
from billing.ledger import NotEnoughMoney
from billing.models import Account, PaymentRefund, TopUp, TopUpPayment
from billing.models.topups import RefundState
from billing.topups import looking, methods, timetable
from billing.topups.applying import apply
from billing.topups.movements import moved_by
from billing.topups.starting import asked_of
from billing.topups.targets import worth
from core.clock import database_now, elapsed_clock
from core.frozen import demand_thawed
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.containment import contained

log = logging.getLogger(__name__)

#: After so many questions without an answer, which takes twenty minutes, the owner has to look at the gateway.
_MANY_TRIES = 5

_CLAIM = """
    UPDATE billing_paymentrefund SET next_at = %(until)s, tries = tries + 1
    WHERE id = (SELECT id FROM billing_paymentrefund WHERE next_at <= %(now)s
                ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""

_IS_DUE = """
    SELECT EXISTS (SELECT FROM billing_topup WHERE next_look_at <= %(now)s)
        OR EXISTS (SELECT FROM billing_paymentrefund WHERE next_at <= %(now)s)
        OR EXISTS (SELECT FROM billing_catchup)
"""


class CannotRefund(Refusal):
    """The payment cannot be sent back like that; nothing moved."""

    code = "cannot_refund"


def can_refund(topup: TopUp) -> bool:
    """True if payments of a top-up can be sent back: by its gateway, through a link, or by hand."""
    ways = (Ability.REFUND, Ability.REFUND_LINK, Ability.REFUND_BY_HAND)
    return any(methods.can(topup.method, way) for way in ways)


def ask_refund(
    *,
    topup_id: int,
    payment_id: int,
    amount: Decimal,
    actor: Actor,
    reason: str,
    now: datetime,
    bears_rest: bool = False,
) -> PaymentRefund:
    """Take ``amount`` of a payment out of the wallet and queue its refund; ``amount`` is in the payment's currency.

    Where staff send money back by hand it waits for :mod:`billing.topups.refunds_by_hand` instead, with an alert.
    What was never credited costs the wallet nothing. Raises CannotRefund, NoReason, and NotEnoughMoney if the wallet
    does not hold its share: with ``bears_rest`` the rest is a loss of the shop instead. Raises OverLimit.
    """
    demand_reason(reason)
    demand_thawed()
    with within_limits():
        topup = TopUp.objects.select_for_update(of=("self",)).select_related("method").get(pk=topup_id)
        payment = TopUpPayment.objects.select_for_update().filter(pk=payment_id, topup=topup).first()
        if payment is None or not can_refund(topup):
            raise CannotRefund(_("This payment cannot be sent back from here."))
        gone = max(payment.refunded, payment.refund_asked)
        left = payment.amount - gone - payment.charged_back
        if not amount.is_finite() or not 0 < amount <= left:
            raise CannotRefund(_("Write an amount above 0 and at most %(left)s.") % {"left": f"{max(left, 0):f}"})
        payment.refund_asked = gone + amount
        payment.save(update_fields=["refund_asked"])
        lost = moved_by(topup).loss
        apply(topup_id, None, cause=actor.name, now=now)
        if moved_by(topup).loss > lost and not bears_rest:
            raise NotEnoughMoney(_("The wallet does not hold that much any more. Send back less."))
        # Nobody took this money from the shop: what it chose to bear freezes no wallet.
        Account.objects.filter(customer=topup.customer_id, frozen_at=now).update(frozen_at=None)
        is_by_hand = methods.can(topup.method, Ability.REFUND_BY_HAND)
        count = PaymentRefund.objects.filter(payment__topup=topup).count()
        refund = PaymentRefund.objects.create(
            payment=payment,
            amount=amount,
            key=f"{topup.reference}:refund:{count + 1}",
            actor=actor.name[:254],
            reason=reason[:300],
            created_at=now,
            state=RefundState.BY_HAND if is_by_hand else RefundState.WAITING,
            next_at=None if is_by_hand else now,
        )
        after = {"amount": refund.amount_text, "payment": payment.payment_id}
        record_staff_action(actor, "topup.refund", topup, reason=reason, after=after)
        is_priced = payment.currency == topup.pay_currency
        moved = worth(topup.credit_amount, amount, topup.pay_amount) if is_priced else None
        take_from_limit(actor, moved, action="topup.refund", target=topup)
        if is_by_hand:
            amount_text, customer = refund.amount_text, topup.customer
            raise_alert(
                causes.REFUND_TO_SEND,
                now=now,
                topup=topup.pk,
                number=topup.number,
                amount=amount_text,
                customer=customer,
            )
    looking.ring()
    return refund


def something_is_due(*, now: datetime) -> bool:
    """Return True if a top-up is to be looked at, or a refund or a receipt waits: one question for every sweep."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_DUE, {"now": now})
        is_due: bool = cursor.fetchone()[0]
    return is_due


def send_due(*, seconds: float, is_frozen: bool) -> int:
    """Send every refund that is due; return how many were asked for. A frozen shop sends none."""
    started, asked = elapsed_clock(), 0
    while not is_frozen and elapsed_clock() - started < seconds:
        now = database_now()
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"now": now, "until": now + timetable.LEASE})
            claimed = cursor.fetchone()
        if claimed is None:
            break
        asked += 1
        with contained("sending refunds of payments"):
            _send(claimed[0], now=now)
    return asked


def _send(refund_id: int, *, now: datetime) -> None:
    refund = PaymentRefund.objects.select_related("payment__topup__method", "payment__topup__customer").get(
        pk=refund_id
    )
    payment, topup = refund.payment, refund.payment.topup
    gateway, config = methods.gateway_of(topup.method), methods.config_for(topup)
    try:
        answer = gateway.refund(asked_of(topup), payment.payment_id, refund.amount, refund.key, config)
    except NoAnswer as problem:
        log.warning("%s: no answer to refund %s: %s", topup.method, refund, problem)
        waiting = PaymentRefund.objects.filter(pk=refund_id, state=RefundState.WAITING)
        waiting.update(next_at=timetable.after_miss(refund.tries, now=now))
        if refund.tries >= _MANY_TRIES:
            raise_alert(
                causes.REFUND_UNANSWERED, now=now, topup=topup.pk, name=topup.method, number=topup.number,
                amount=refund.amount_text, tries=refund.tries,
            )  # fmt: skip
        return
    with transaction.atomic():
        TopUp.objects.select_for_update().get(pk=topup.pk)
        waiting = PaymentRefund.objects.filter(pk=refund_id, state=RefundState.WAITING)
        if not isinstance(answer, Declined):
            waiting.update(state=RefundState.DONE, refund_id=answer.refund_id[:200], next_at=None)
        elif waiting.update(state=RefundState.FAILED, why=str(answer.reason)[:300], next_at=None):
            put_back(refund, cause="gateway", now=now)
            raise_alert(causes.REFUND_FAILED, now=now, topup=topup.pk, number=topup.number, why=str(answer.reason))
        close_alert(causes.REFUND_UNANSWERED, now=now, topup=topup.pk)
        TopUp.objects.filter(pk=topup.pk).update(next_look_at=now + timedelta(minutes=1))


def put_back(refund: PaymentRefund, *, cause: str, now: datetime) -> None:
    """Move the money of a refund that was not sent back to where it was taken from, under the lock of its top-up."""
    row = TopUpPayment.objects.select_for_update().get(pk=refund.payment_id)
    row.refund_asked = max(row.refund_asked - refund.amount, Decimal(0))
    row.save(update_fields=["refund_asked"])
    apply(row.topup_id, None, cause=cause, now=now)
