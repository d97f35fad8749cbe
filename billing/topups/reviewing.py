"""Transfers checked by hand: what customers say, and what staff approve or reject."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.staff_limits import take_from_limit, within_limits
from billing.gateways.contract import Ability
from billing.gateways.manual.gateway import approvers_needed, is_one_alone, second_above
from billing.gateways.reading import amount_text
from billing.models import TopUp, TopUpState, TransferNotice, TransferReview
from billing.models.topups import Decision
from billing.topups import looking, methods, proofs
from billing.topups.targets import worth
from core.frozen import demand_thawed
from core.money import LIMIT
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action
from notices import causes
from notices.alerts import close_alert, raise_alert

#: States in which a transfer can still be approved: also after its time, for money that comes late.
_REVIEWABLE = (TopUpState.PENDING, TopUpState.EXPIRED)
#: A customer may correct the name; each notice is a row.
MOST_NOTICES = 5


class CannotReview(Refusal):
    """The transfer cannot be approved or rejected like that; nothing was decided."""

    code = "cannot_review"


def takes_notices(topup: TopUp) -> bool:
    """True if people check this top-up's payments."""
    return methods.can(topup.method, Ability.NOTICE)


def may_review(topup: TopUp) -> bool:
    """True while staff may approve or reject it."""
    return topup.state in _REVIEWABLE and topup.decision == Decision.NONE and takes_notices(topup)


def approvers_of(topup: TopUp, received: Decimal = Decimal(0)) -> int:
    """Return how many of the staff have to approve a transfer: by what was asked, seen or ``received``, the largest.

    0 for what nobody reviews.
    """
    if not takes_notices(topup):
        return 0
    seen = TransferReview.objects.filter(topup=topup, is_approved=True).aggregate(most=Max("amount"))["most"]
    return approvers_needed(max(topup.pay_amount, seen or received, received), methods.config_of(topup.method))


def second_above_text(topup: TopUp) -> str:
    """Return the amount above which two of the staff approve, with its currency; empty if there is no such limit."""
    limit = second_above(methods.config_of(topup.method)) if takes_notices(topup) and not is_one_alone() else None
    return "" if limit is None else amount_text(limit, topup.pay_currency)


def demand_second(topup: TopUp, actor: Actor, *, received: Decimal) -> None:
    """Refuse ``actor`` if ``received`` needs two of the staff and nobody else approved it. Raises CannotReview."""
    others = TransferReview.objects.filter(topup=topup, is_approved=True).exclude(actor=actor.code)
    if approvers_of(topup, received) > 1 and not others.exists():
        words = {"amount": amount_text(received, topup.pay_currency)}
        raise CannotReview(
            _("%(amount)s came in, which needs two of your staff. Somebody else than you has to credit it.") % words
        )


def give_notice(
    *, topup: TopUp, sender: str, now: datetime, upload: "UploadedFile[Any] | None" = None
) -> TransferNotice:
    """Record that the customer sent the money, under which name, with a proof; tell the owner.

    Raises CannotReview, and BadFile if the proof cannot be stored.
    """
    sender = sender.strip()
    if not sender or len(sender) > 120 or not sender.isprintable():
        raise CannotReview(_("Write the name on the account that you send from."))
    _demand_open(topup)
    # A picture takes a while to be read: that comes before the lock, and nothing is stored outside the transaction.
    proof = proofs.read(upload, owner=topup.customer, now=now) if upload is not None else None
    with transaction.atomic():
        row = TopUp.objects.select_for_update(of=("self",)).select_related("method", "customer").get(pk=topup.pk)
        _demand_open(row)
        stored = proofs.store(proof, owner=row.customer, now=now) if proof is not None else None
        notice = TransferNotice.objects.create(topup=row, sender=sender, proof=stored, at=now)
        raise_alert(
            causes.TRANSFER_SENT, now=now, topup=row.pk, number=row.number, amount=row.pay_text, customer=row.customer
        )
    return notice


def _demand_open(topup: TopUp) -> None:
    if not may_review(topup):
        raise CannotReview(_("There is nothing to send for this top-up any more."))
    if topup.notices.count() >= MOST_NOTICES:
        raise CannotReview(
            _("You sent this %(most)d times already. Write to us if something is wrong.") % {"most": MOST_NOTICES}
        )


def approve(*, topup_id: int, amount: Decimal, actor: Actor, reason: str, now: datetime) -> TopUp:
    """Record that ``amount`` was seen in the account; credit it once enough people have said so. Return the top-up.

    ``amount`` is in the top-up's currency. Must not run inside a transaction. Raises CannotReview
    and OverLimit.
    """
    if not amount.is_finite() or not 0 < amount < LIMIT:
        raise CannotReview(_("Write the amount that you saw in the account."))
    demand_thawed()
    with within_limits():
        topup = _locked(topup_id, actor)
        others = TransferReview.objects.filter(topup=topup, is_approved=True)
        if other := others.exclude(amount=amount).first():
            words = {"name": other.actor_name, "amount": other.amount_text}
            raise CannotReview(_("%(name)s entered %(amount)s. Both of you must enter the same amount.") % words)
        _record(topup, actor, is_approved=True, amount=amount, reason=reason, now=now)
        is_enough = others.count() >= approvers_of(topup)
        if is_enough and amount < topup.pay_amount:
            # Whoever approved a smaller amount decided that it is credited.
            TopUp.objects.filter(pk=topup.pk).update(decision=Decision.ACCEPTED)
        if is_enough:
            close_alert(causes.TRANSFER_SENT, now=now, topup=topup.pk)
        seen = worth(topup.credit_amount, amount, topup.pay_amount)
        if amount >= topup.pay_amount:
            seen += topup.bonus
        take_from_limit(actor, seen, action="topup.approve", target=topup)
    return looking.look(topup_id, cause=actor.name, now=now)


def reject(*, topup_id: int, actor: Actor, reason: str, now: datetime) -> TopUp:
    """Reject a transfer, with a reason that the customer reads; return the top-up. Raises CannotReview, NoReason."""
    demand_reason(reason)
    demand_thawed()
    with transaction.atomic():
        topup = _locked(topup_id, actor)
        _record(topup, actor, is_approved=False, amount=None, reason=reason, now=now)
        close_alert(causes.TRANSFER_SENT, now=now, topup=topup.pk)
    return looking.look(topup_id, cause=actor.name, now=now)


def _locked(topup_id: int, actor: Actor) -> TopUp:
    topup: TopUp = TopUp.objects.select_for_update(of=("self",)).select_related("method").get(pk=topup_id)
    if not may_review(topup):
        raise CannotReview(_("This transfer was decided already."))
    reviews = TransferReview.objects.filter(topup=topup)
    if reviews.filter(is_approved=False).exists():
        raise CannotReview(_("This transfer was rejected already."))
    if reviews.filter(actor=actor.code).exists():
        raise CannotReview(_("You approved it already. Somebody else has to approve it as well."))
    return topup


def _record(
    topup: TopUp, actor: Actor, *, is_approved: bool, amount: Decimal | None, reason: str, now: datetime
) -> None:
    TransferReview.objects.create(
        topup=topup,
        actor=actor.code,
        actor_name=actor.name[:254],
        is_approved=is_approved,
        amount=amount,
        reason=reason[:300],
        at=now,
    )
    action = "topup.approve" if is_approved else "topup.reject"
    seen = {} if amount is None else {"amount": amount_text(amount, topup.pay_currency)}
    record_staff_action(actor, action, topup, reason=reason, after=seen)
