"""Brings a top-up in line with what its gateway says: the only place where a top-up moves money.

The state is a function of the payments, of what went back, and of the gateway's last word: the answer to the question
that was asked last. The order of events has no meaning: the same readings in any order, any number of times, leave the
same wallet.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from billing import ledger
from billing.bonuses import bonus_of
from billing.documents.issuing import issue
from billing.gateways.contract import Dispute, Payment, Reading, ReadState
from billing.models import Account, Code, PaymentRefund, TopUp, TopUpPayment, TopUpState
from billing.models.topups import Decision, RefundState
from billing.topups import timetable
from billing.topups.alerts import alert_to_change, alert_to_surplus, warn_once
from billing.topups.history import note_step
from billing.topups.holding import hold_deposit
from billing.topups.movements import Moved, missing_postings, moved_by
from billing.topups.targets import ZERO, Sums, Terms, target
from core.clock import database_now
from core.frozen import shop_is_frozen
from notices import causes
from notices.alerts import raise_alert

#: The cause of what was left for after a thaw.
THAW = "thaw"
#: States of a gateway after which it expects no more money by itself.
_FINAL = (ReadState.PAID, ReadState.UNDERPAID, ReadState.EXPIRED, ReadState.FAILED)


@dataclass(frozen=True)
class _Totals:
    """What all payments of a top-up say together, in the currency it asked for."""

    received: Decimal
    charged_back: Decimal
    gone: Decimal


def apply(
    topup_id: int,
    reading: Reading | None,
    *,
    cause: str,
    now: datetime,
    seen: datetime | None = None,
    last: datetime | None = None,
) -> TopUp:
    """Record ``reading``, post what is missing and return the top-up. All of it in one transaction, once.

    Without a reading it works on what is recorded, after a decision. With one, ``now`` is the time before the gateway
    was asked, and ``seen`` the next look that was set then: one that was set meanwhile stays. ``last`` is the last look
    of then: if another one was recorded meanwhile, only a further look can tell which of the two knows more.
    """
    with transaction.atomic():
        # 1. Top-ups before wallets, so that two of them never wait for each other.
        topup = TopUp.objects.select_for_update(of=("self",)).select_related("method").get(pk=topup_id)
        wallet = Account.objects.select_for_update().get(customer_id=topup.customer_id)
        if reading is not None and _is_outdated(topup, now=now):
            topup.next_look_at = now
            topup.save(update_fields=["next_look_at"])
            return topup
        old, old_why = topup.state, topup.why
        # 2. The payments. What does not fit waits for the owner, and nothing of it is credited.
        why = _note_payments(topup, reading, now=now) if reading is not None else ""
        is_held = topup.decision == Decision.NONE and bool(why or old == TopUpState.HELD)
        if is_held:
            topup.why = why or topup.why
        elif reading is not None and topup.decision == Decision.NONE:
            topup.why = reading.why[:300]
        elif why and topup.decision == Decision.ACCEPTED:
            warn_once(topup, why[:300], now=now)
        totals = _totals(topup)
        # 3. The money. While the owner has to decide nothing more is credited, and what goes back is taken.
        moves = 0
        if topup.decision != Decision.REJECTED:
            moves = _move_money(topup, wallet, totals, reading, is_held=is_held, cause=cause, now=now)
        if reading is not None and reading.dispute is Dispute.OPEN:
            Account.objects.filter(pk=wallet.pk, frozen_at=None).update(frozen_at=now)
        # 4. The state, and when to look again.
        has_more, topup.received = totals.received > topup.received, totals.received
        if reading is not None:
            topup.is_disputed = reading.dispute is Dispute.OPEN
        topup.state = _state(topup, totals, reading, is_held=is_held, now=now)
        if reading is not None:
            _note_look(topup, now=now, seen=seen, last=last)
        topup.save()
        if moves or topup.state != old or topup.why != old_why:
            facts = {"received": totals.received, "gone": totals.gone, "credited": topup.credited, "why": topup.why}
            note_step(topup, old=old, cause=cause, now=now, facts=facts)
            alert_to_change(topup, old, reading, charged_back=totals.charged_back, now=now)
        alert_to_surplus(topup, old, totals.received - totals.gone, has_more=has_more, now=now)
        # 5. Its receipt or credit note, last: it locks the counter of their numbers.
        if moves or cause == THAW:
            issue(topup, now=now)
    return topup


def hold_topup(topup_id: int, why: str, *, cause: str, now: datetime) -> TopUp:
    """Let the owner decide about a top-up and return it; one that is credited or decided stays as it is."""
    with transaction.atomic():
        topup = TopUp.objects.select_for_update(of=("self",)).select_related("method", "customer").get(pk=topup_id)
        old = topup.state
        if not topup.credited and topup.decision == Decision.NONE and old != TopUpState.HELD:
            topup.state, topup.why = TopUpState.HELD, why[:300]
            topup.save(update_fields=["state", "why"])
            note_step(topup, old=old, cause=cause, now=now, facts={"why": topup.why})
            alert_to_change(topup, old, None, charged_back=ZERO, now=now)
    return topup


def _is_outdated(topup: TopUp, *, now: datetime) -> bool:
    """True if the answer to a later question is recorded: what was asked at ``now`` may lack a refund that it had.

    A last look that is still to come says that the clock was set back, and nothing about the answer.
    """
    return topup.looked_at is not None and now < topup.looked_at <= database_now()


def _note_look(topup: TopUp, *, now: datetime, seen: datetime | None, last: datetime | None) -> None:
    """Note that the gateway answered, and when to ask it again."""
    if last is not None and topup.looked_at != last:
        topup.next_look_at = now
    elif topup.next_look_at == seen:
        topup.next_look_at = timetable.next_look(topup, now=now)
    topup.misses, topup.looked_at = 0, now


def _note_payments(topup: TopUp, reading: Reading, *, now: datetime) -> str:
    """Record the payments of a reading; return why the owner has to look at it, empty if all fits."""
    if reading.is_live != topup.is_live:
        return _("The answer is of the gateway's other mode.")
    if (reading.asked_amount, reading.asked_currency) != (topup.pay_amount, topup.pay_currency):
        asked = {"theirs": f"{reading.asked_amount:f} {reading.asked_currency}"}
        return _("The gateway was asked for %(theirs)s, which is not what this top-up asks for.") % asked
    why = ""
    for payment in reading.payments:
        why = _note_payment(topup, payment, now=now) or why
    # What it names is recorded all the same: refunds among it are taken back, and the owner decides about the rest.
    if reading.state is ReadState.HELD:
        return reading.why[:300] or why or _("The gateway asks you to look at this payment.")
    return why or _what_is_missing(topup, reading)


def _what_is_missing(topup: TopUp, reading: Reading) -> str:
    """Return what a gateway's last word leaves out: money that it named before, or any at all; empty for nothing."""
    if reading.state not in _FINAL:
        return ""
    named = {payment.payment_id for payment in reading.payments}
    for row in TopUpPayment.objects.filter(topup=topup).exclude(payment_id__in=named):
        # What went back may well be listed no longer.
        if max(row.refunded, row.refund_asked) + row.charged_back < row.amount:
            words = {"payment": row.payment_id[:80], "amount": row.amount_text}
            return _("The gateway does not name payment %(payment)s of %(amount)s any more.") % words
    if reading.state in (ReadState.PAID, ReadState.UNDERPAID) and not named:
        return _("The gateway says that it was paid, and names no payment.")
    return ""


def _note_payment(topup: TopUp, payment: Payment, *, now: datetime) -> str:
    """Record one payment; return what is wrong with it, empty if nothing is."""
    words = {"payment": payment.payment_id[:80], "amount": f"{payment.amount:f} {payment.currency}"}
    if not payment.amount.is_finite() or payment.amount <= 0:
        return _("Payment %(payment)s has no amount.") % words
    TopUpPayment.objects.bulk_create(
        [
            TopUpPayment(
                topup=topup,
                method_id=topup.method_id,
                payment_id=payment.payment_id,
                amount=payment.amount,
                currency=payment.currency,
                seen_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    row = TopUpPayment.objects.select_for_update().get(method_id=topup.method_id, payment_id=payment.payment_id)
    if row.topup_id != topup.pk:
        return _("Payment %(payment)s belongs to top-up %(other)s.") % {**words, "other": f"T-{row.topup_id}"}
    less = _("Payment %(payment)s is now said to be of %(amount)s, which is less or in another currency.") % words
    if row.currency != payment.currency:
        return less
    is_less = payment.amount < row.amount
    row.amount = max(payment.amount, row.amount)
    row.refund_asked = max(row.refund_asked - _failed_refunds(row, payment, now=now), ZERO)
    row.refunded = min(payment.refunded, row.amount)
    row.charged_back = min(payment.charged_back, row.amount)
    row.save()
    if is_less:
        return less
    if payment.currency != topup.pay_currency:
        return _("%(amount)s was paid, which is not the currency that was asked for.") % words
    return ""


def _failed_refunds(row: TopUpPayment, payment: Payment, *, now: datetime) -> Decimal:
    """Mark the refunds of ours that came back after the gateway had taken them; return their sum, each counted once."""
    if not payment.failed_refunds:
        return ZERO
    done = PaymentRefund.objects.filter(payment=row, state=RefundState.DONE, refund_id__in=payment.failed_refunds)
    amount = sum((refund.amount for refund in done), ZERO)
    if amount:
        why = _("The customer's bank did not take it")
        done.update(state=RefundState.FAILED, why=why)
        raise_alert(causes.REFUND_FAILED, now=now, topup=row.topup_id, number=f"T-{row.topup_id}", why=why)
    return amount


def _totals(topup: TopUp) -> _Totals:
    rows = list(TopUpPayment.objects.filter(topup=topup, currency=topup.pay_currency))
    return _Totals(
        received=sum((r.amount for r in rows), ZERO),
        charged_back=sum((r.charged_back for r in rows), ZERO),
        # A refund and a lost dispute of one payment are never more than the payment.
        gone=sum((min(r.amount, max(r.refunded, r.refund_asked) + r.charged_back) for r in rows), ZERO),
    )


def _wanted(topup: TopUp, moved: Moved, totals: _Totals, reading: Reading | None, *, is_held: bool) -> Sums:
    """Return what should have moved in all; of a top-up that waits for the owner, no more credit than it has."""
    is_final = reading is not None and reading.state in _FINAL
    # A restored shop does not know what it gave in the hours that were lost.
    has_bonus = moved.had_bonus or not (is_held or shop_is_frozen())
    bonus = bonus_of(topup, received=totals.received) if has_bonus else ZERO
    return target(
        Terms(topup.pay_amount, topup.credit_amount, topup.fee, bonus, topup.surplus),
        Sums(credit=moved.credit, fee=moved.fee),
        received=totals.received,
        gone=totals.gone,
        takes_less=topup.decision == Decision.ACCEPTED or (topup.method.takes_less and is_final),
        is_held=is_held,
    )


def _move_money(
    topup: TopUp,
    wallet: Account,
    totals: _Totals,
    reading: Reading | None,
    *,
    is_held: bool,
    cause: str,
    now: datetime,
) -> int:
    """Post what is missing; return how many transfers that were."""
    moved = moved_by(topup)
    if is_held and not moved.credit:
        return 0
    wanted = _wanted(topup, moved, totals, reading, is_held=is_held)
    postings = missing_postings(
        topup,
        wallet,
        moved,
        wanted,
        is_chargeback=totals.charged_back > 0,
        memo=f"{topup.method.name}, {topup.number}",
        actor=cause,
    )
    if not postings:
        return 0
    ledger.post(postings)
    topup.credited, topup.taken = wanted.credit, wanted.back
    hold_deposit(topup, wallet, is_credit=wanted.credit > moved.credit, now=now)
    is_taken = {posting.code for posting in postings} & {Code.CHARGEBACK, Code.CHARGEBACK_LOSS}
    if is_taken and wallet.frozen_at is None:
        Account.objects.filter(pk=wallet.pk).update(frozen_at=now)
    return len(postings)


def _state(topup: TopUp, totals: _Totals, reading: Reading | None, *, is_held: bool, now: datetime) -> TopUpState:
    """Return the state that the payments and the gateway's last word make."""
    if topup.decision == Decision.REJECTED:
        return TopUpState.FAILED
    if is_held:
        return TopUpState.HELD
    if topup.credited and totals.charged_back:
        return TopUpState.CHARGED_BACK
    if topup.credited and topup.is_disputed:
        return TopUpState.DISPUTED
    if topup.credited and totals.gone:
        return TopUpState.REFUNDED if totals.gone >= totals.received else TopUpState.PART_REFUNDED
    if topup.credited:
        return TopUpState.PAID if topup.credited >= topup.credit_amount else TopUpState.UNDERPAID
    if reading is None:
        return TopUpState(topup.state)
    if totals.received:
        return TopUpState.UNDERPAID if reading.state in _FINAL else TopUpState.PENDING
    # Nobody looks after that, so nothing is waited for any more.
    waiting = TopUpState.PENDING if now < topup.watch_until else TopUpState.EXPIRED
    return {ReadState.FAILED: TopUpState.FAILED, ReadState.EXPIRED: TopUpState.EXPIRED}.get(reading.state, waiting)
