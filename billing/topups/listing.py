"""After a restore: asks each gateway that can list its payments for those since the dump.

A payment of a top-up that is here has it looked at. One that nothing explains becomes a row for the owner, and no money
moves for it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from billing.gateways.contract import Ability, ListedPayment, NoAnswer
from billing.models import PaymentMethod, TopUp, TopUpPayment, UnknownPayment
from billing.topups import looking, methods
from core.secrets import SecretUnreadable
from notices import causes
from notices.alerts import raise_alert

log = logging.getLogger(__name__)


@dataclass
class Listed:
    """What a method's gateway listed: payments that are recorded, whose top-up is looked at now, and unknown ones.

    ``problem`` says why nothing was listed.
    """

    method: PaymentMethod
    recorded: int = 0
    looked_at: int = 0
    unknown: int = 0
    problem: str = ""


def list_payments(*, since: datetime, now: datetime) -> list[Listed]:
    """Ask every method's gateway for its payments since a time; return what came of each. Repeats add no row.

    Must not run inside a transaction: it calls gateways.
    """
    found = []
    for method in PaymentMethod.objects.order_by("pk"):
        result = Listed(method)
        found.append(result)
        if not methods.can(method, Ability.LIST):
            result.problem = "its gateway lists no payments"
            continue
        try:
            payments = methods.gateway_of(method).list_payments(since, methods.config_of(method))
        except (NoAnswer, SecretUnreadable) as problem:
            log.warning("%s lists nothing: %s", method, type(problem).__name__)
            result.problem = "it did not answer"
            continue
        for payment in payments:
            _note(result, payment, now=now)
        if result.unknown:
            raise_alert(causes.UNKNOWN_PAYMENTS, now=now, method=method.pk, name=method.name)
    looking.ring()
    return found


def _note(result: Listed, payment: ListedPayment, *, now: datetime) -> None:
    method = result.method
    if TopUpPayment.objects.filter(method=method, payment_id=payment.payment_id).exists():
        result.recorded += 1
        return
    mine = TopUp.objects.filter(method=method)
    theirs = mine.filter(remote_id=payment.remote_id) if payment.remote_id else mine.filter(reference=payment.reference)
    if (payment.remote_id or payment.reference) and theirs.update(next_look_at=now):
        result.looked_at += 1
        return
    UnknownPayment.objects.bulk_create(
        [
            UnknownPayment(
                method=method,
                payment_id=payment.payment_id[:200],
                reference=payment.reference[:64],
                amount=payment.amount,
                currency=payment.currency[:12],
                payer=payment.payer[:254],
                paid_at=payment.paid_at,
                seen_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    result.unknown += 1
