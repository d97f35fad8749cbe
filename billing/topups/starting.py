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
from billing.ledger import wallet_is_frozen
from billing.models import Account, GatewayEvent, PaymentMethod, TopUp, TopUpState
from billing.topups import methods
from billing.topups.history import note_step
from billing.topups.methods import Price
from core.money import is_amount
from core.refusals import Refusal

log = logging.getLogger(__name__)

#: More of them than a person opens: each is a row, and a call to the gateway.
MOST_OPEN = 20
_NONCE = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)


class CannotStart(Refusal):
    """The top-up cannot be started; nothing was asked of the customer."""

    code = "cannot_start"


def start(*, customer: User, method_id: int, amount: Decimal, nonce: str, now: datetime) -> TopUp:
    """Start a top-up of ``amount``, in the shop's currency, and return it; a repeated ``nonce`` returns the first.

    Must not run inside a transaction: it calls the gateway. Raises CannotStart and WalletFrozen.
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
    offer = methods.offer(method, amount) if is_amount(amount) else None
    if offer is None or offer.price is None:
        raise CannotStart(_("This way of paying does not take that amount."))
    if TopUp.objects.filter(customer=customer, state__in=(TopUpState.CREATED, TopUpState.PENDING)).count() >= MOST_OPEN:
        raise CannotStart(_("Too many top-ups are open. Pay or wait for one of them first."))
    return open_topup(customer, method, offer.price, nonce, now=now)


def open_topup(customer: User, method: PaymentMethod, price: Price, nonce: str, *, now: datetime) -> TopUp:
    """Write the row of a top-up and ask its gateway for the payment; return the top-up. Raises CannotStart."""
    # 1. Our row, in a transaction of its own. It fixes every amount.
    spec = methods.gateway_of(method).spec
    with transaction.atomic():
        topup, is_new = TopUp.objects.get_or_create(
            nonce=nonce,
            defaults={
                "customer": customer,
                "method": method,
                "is_live": method.is_live,
                "credit_amount": price.amount,
                "fee": price.fee,
                "bonus": price.bonus,
                "pay_amount": price.pay,
                "pay_currency": price.currency,
                "expires_at": now + spec.lives_for,
                "watch_until": now + spec.lives_for + spec.watched_for,
                "next_look_at": now + timedelta(minutes=1),
            },
        )
        if is_new:
            note_step(topup, old="", cause="customer", now=now, facts={"pay": topup.pay_text})
    if topup.customer_id != customer.pk:
        raise CannotStart(_("This form is not complete. Load the page again."))
    # 2. The gateway. Without an answer the top-up stays as it is, and the next look asks again with the same reference.
    if is_new:
        open_at_gateway(topup, now=now)
    return topup


def open_at_gateway(topup: TopUp, *, now: datetime) -> None:
    """Ask the gateway for the payment of a top-up that it may not have yet, and record the answer.

    Must not run inside a transaction. A repeat asks with the same reference, which finds what there is.
    """
    method = topup.method
    try:
        answer = methods.gateway_of(method).start(asked_of(topup), methods.config_of(method))
    except NoAnswer as problem:
        log.warning("%s: no answer to the start of %s: %s", method, topup, problem)
        return
    with transaction.atomic():
        row = TopUp.objects.select_for_update().get(pk=topup.pk)
        if row.state != TopUpState.CREATED:
            return
        if isinstance(answer, Declined):
            row.state, row.why, row.next_look_at = TopUpState.FAILED, str(answer.reason)[:300], None
        else:
            _record(row, answer, now=now)
        row.save()
        note_step(row, old=TopUpState.CREATED, cause="gateway", now=now, facts={"id": row.remote_id})
    topup.refresh_from_db()


def _record(row: TopUp, answer: Started, *, now: datetime) -> None:
    row.state, row.remote_id = TopUpState.PENDING, answer.remote_id
    row.pay_url, row.instructions = answer.pay_url[:2000], [list(line) for line in answer.instructions.items()]
    if answer.expires_at is not None:
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
    )
