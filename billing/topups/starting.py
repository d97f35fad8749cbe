"""Starts a top-up: our row first, then the gateway's, so that nothing a customer can pay is unknown to us."""

import logging
import re
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from billing.gateways.contract import Asked, Declined, NoAnswer, Started
from billing.gateways.own_secrets import unusable_secrets
from billing.ledger import wallet_is_frozen
from billing.models import Account, GatewayEvent, PaymentMethod, TopUp, TopUpState
from billing.models.topups import OPEN
from billing.topups import methods
from billing.topups.history import note_step
from billing.topups.methods import Price
from billing.topups.origin import NOWHERE, Origin
from core.money import is_amount
from core.refusals import Refusal
from notices import causes
from notices.alerts import raise_alert

log = logging.getLogger(__name__)

#: More of them than a person opens: each is a row, and a call to the gateway. What was declined counts in the hour.
MOST_OPEN, MOST_AN_HOUR = 20, 30
_NONCE = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)


class CannotStart(Refusal):
    """The top-up cannot be started; nothing was asked of the customer."""

    code = "cannot_start"


def start(
    *,
    customer: User,
    method_id: int,
    amount: Decimal,
    nonce: str,
    now: datetime,
    choice: str = "",
    origin: Origin = NOWHERE,
) -> TopUp:
    """Start a top-up of ``amount``, in the shop's currency, and return it; a repeated ``nonce`` returns the first.

    ``choice`` is one of what the method lets customers choose among; without one it is the first. Must not run inside
    a transaction: it calls the gateway. Raises CannotStart and WalletFrozen.
    """
    if not _NONCE.match(nonce):
        raise CannotStart(_("This form is not complete. Load the page again."))
    if first := TopUp.objects.filter(nonce=nonce, customer=customer).first():
        return first
    wallet = Account.objects.filter(customer=customer).first()
    if wallet is None:
        raise CannotStart(_("Staff have no wallet. Sign in as a customer."))
    if wallet.frozen_at is not None:
        raise wallet_is_frozen()
    method = next((m for m in methods.offered() if m.pk == method_id), None)
    if method is None:
        raise CannotStart(_("Choose a way to pay."))
    if unusable := unusable_secrets(methods.gateway_of(method).spec, methods.config_of(method).values):
        log.error("%s takes no payment: %s", method, "; ".join(f"{name}: {why}" for name, why in unusable.items()))
        raise CannotStart(_("This way of paying is not set up yet. Choose another one."))
    offer = methods.offer(method, amount, customer=customer) if is_amount(amount) else None
    if offer is None or offer.price is None:
        raise CannotStart(_("This way of paying does not take that amount."))
    choices = methods.choices_of(method)
    if choice and choice not in choices:
        raise CannotStart(_("This cannot be chosen any more. Choose again."))
    choice = choice or next(iter(choices), "")
    return open_topup(customer, method, offer.price, nonce, now=now, choice=choice, origin=origin)


def open_topup(
    customer: User,
    method: PaymentMethod,
    price: Price,
    nonce: str,
    *,
    now: datetime,
    choice: str = "",
    origin: Origin = NOWHERE,
) -> TopUp:
    """Write the row of a top-up and ask its gateway for the payment; return the top-up. Raises CannotStart."""
    # 1. Our row, in a transaction of its own. It fixes every amount.
    spec = methods.gateway_of(method).spec
    with transaction.atomic():
        # Under the wallet's lock, so that forms sent at once are counted one by one.
        list(Account.objects.select_for_update().filter(customer=customer).values_list("pk"))
        topup, is_new = TopUp.objects.get_or_create(
            nonce=nonce,
            defaults={
                "customer": customer,
                "method": method,
                "is_live": method.is_live,
                "credit_amount": price.amount,
                "fee": price.fee,
                "bonus": price.bonus,
                "first_bonus": price.first_bonus,
                "pay_amount": price.pay,
                "pay_currency": price.currency,
                "choice": choice,
                "expires_at": now + spec.lives_for,
                "watch_until": now + spec.lives_for + spec.watched_for,
                "next_look_at": now + timedelta(minutes=1),
                **vars(origin),
            },
        )
        if is_new:
            _demand_room(topup, now=now)
            note_step(topup, old="", cause="customer", now=now, facts={"pay": topup.pay_text})
    if topup.customer_id != customer.pk:
        raise CannotStart(_("This form is not complete. Load the page again."))
    # 2. The gateway. Without an answer the top-up stays as it is, and the next look asks again with the same reference.
    if is_new:
        open_at_gateway(topup, now=now)
    return topup


def _demand_room(topup: TopUp, *, now: datetime) -> None:
    """Refuse a new top-up, which is undone by that, if its customer started too many. Raises CannotStart."""
    others = TopUp.objects.filter(customer=topup.customer_id).exclude(pk=topup.pk)
    # One whose time is over waits for money that may come late, and nobody can begin to pay it.
    if others.filter(state__in=OPEN, expires_at__gt=now).count() >= MOST_OPEN:
        raise CannotStart(
            _("%(most)d top-ups are open. Pay one of them, or wait until one expires.") % {"most": MOST_OPEN}
        )
    # Codes are counted by themselves.
    newest = others.exclude(nonce__startswith="voucher-").order_by("-pk")[MOST_AN_HOUR - 1 : MOST_AN_HOUR]
    if any(at > now - timedelta(hours=1) for at in newest.values_list("created_at", flat=True)):
        words = {"most": MOST_AN_HOUR}
        raise CannotStart(_("You started %(most)d top-ups in the last hour. Try again in an hour.") % words)


def open_at_gateway(topup: TopUp, *, now: datetime) -> None:
    """Ask the gateway for the payment of a top-up that it may not have yet, and record the answer.

    Must not run inside a transaction. A repeat asks with the same reference, which finds what there is.
    """
    method = topup.method
    try:
        answer = methods.gateway_of(method).start(asked_of(topup), methods.config_for(topup))
    except NoAnswer as problem:
        log.warning("%s: no answer to the start of %s: %s", method, topup, problem)
        return
    with transaction.atomic():
        row = TopUp.objects.select_for_update().get(pk=topup.pk)
        if row.state != TopUpState.CREATED:
            return
        if isinstance(answer, Declined):
            row.state, row.why, row.next_look_at = TopUpState.FAILED, str(answer.reason)[:300], None
            if answer.warning:
                number, why = row.number, str(answer.warning)[:300]
                raise_alert(causes.START_REFUSED, now=now, topup=row.pk, name=method.name, number=number, why=why)
        else:
            _record(row, answer, now=now)
        row.save()
        note_step(row, old=TopUpState.CREATED, cause="gateway", now=now, facts={"id": row.remote_id})
    topup.refresh_from_db()


def _record(row: TopUp, answer: Started, *, now: datetime) -> None:
    row.state, row.remote_id = TopUpState.PENDING, answer.remote_id
    row.pay_url, row.instructions = answer.pay_url[:2000], [list(line) for line in answer.instructions.items()]
    if answer.expires_at is not None and answer.expires_at > now:
        row.watch_until += answer.expires_at - row.expires_at
        row.expires_at = answer.expires_at
    # A webhook may be quicker than this record, and found no top-up then.
    if GatewayEvent.objects.filter(method_id=row.method_id, remote_id=row.remote_id).exists():
        row.next_look_at = now


def asked_of(topup: TopUp) -> Asked:
    """Return what a gateway needs to know about a top-up."""
    return Asked(
        reference=topup.reference,
        number=topup.number,
        amount=topup.pay_amount,
        currency=topup.pay_currency,
        remote_id=topup.remote_id,
        return_url=f"{settings.SHOP_URL}{reverse('billing:topup', args=[topup.pk])}?back=1",
        expires_at=topup.expires_at,
        choice=topup.choice,
    )
