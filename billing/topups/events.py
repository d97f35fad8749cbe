"""Webhooks: a genuine call is stored and says where to look. Nothing is credited here, and nothing is asked."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from billing.gateways.contract import Forged, Hint, Ignored
from billing.models import GatewayEvent, PaymentMethod, TopUp
from billing.topups import methods
from billing.topups.looking import ring
from notices import causes
from notices.alerts import raise_alert

#: So many calls with a wrong signature in an hour open an alert.
MOST_FORGED = 5
_HOUR = timedelta(hours=1)
KEEP = timedelta(days=90)

_COUNT_FORGED = """
    UPDATE billing_paymentmethod
    SET forged = CASE WHEN forged_since > %(hour_ago)s THEN forged + 1 ELSE 1 END,
        forged_since = CASE WHEN forged_since > %(hour_ago)s THEN forged_since ELSE %(now)s END
    WHERE id = %(method)s RETURNING forged
"""


def receive(method: PaymentMethod, *, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Store the call of a webhook and make its top-up due; return False if it is not genuine.

    It is committed when this returns, so that a gateway gets its answer only for a call that cannot be lost.
    """
    gateway = methods.gateway_of(method)
    wanted = {name: value for name, value in headers.items() if name in gateway.spec.headers}
    try:
        hint = gateway.verify(wanted, body, methods.config_of(method), now)
    except Ignored:
        PaymentMethod.objects.filter(pk=method.pk).update(last_event_at=now)
        return True
    except Forged:
        _count_forged(method, now=now)
        return False
    with transaction.atomic():
        _store(method, hint, body, now=now)
        PaymentMethod.objects.filter(pk=method.pk).update(last_event_at=now)
        _make_due(method, hint, now=now)
    ring()
    return True


def _store(method: PaymentMethod, hint: Hint, body: bytes, *, now: datetime) -> None:
    GatewayEvent.objects.bulk_create(
        [
            GatewayEvent(
                method=method,
                event_id=hint.event_id,
                kind=hint.kind,
                remote_id=hint.remote_id,
                reference=hint.reference,
                payment_id=hint.payment_id,
                body=body,
                received_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def _make_due(method: PaymentMethod, hint: Hint, *, now: datetime) -> None:
    """Find the top-up by its id at the gateway, or by a payment of it; a reference is only a second witness."""
    mine = TopUp.objects.filter(method=method)
    if hint.remote_id:
        topup = mine.filter(remote_id=hint.remote_id).first()
    else:
        by_payment = mine.filter(payments__payment_id=hint.payment_id) if hint.payment_id else mine.none()
        topup = by_payment.first() or mine.filter(reference=hint.reference).first()
    if topup is None:
        return
    if hint.reference and hint.reference != topup.reference:
        raise_alert(causes.WEBHOOK_CONTRADICTS, now=now, method=method.pk, name=method.name, number=topup.number)
    if hint.warning:
        number, why = topup.number, hint.warning
        raise_alert(causes.PAYMENT_DISPUTED, now=now, topup=topup.pk, number=number, customer=topup.customer, why=why)
    TopUp.objects.filter(pk=topup.pk).update(next_look_at=now)


def _count_forged(method: PaymentMethod, *, now: datetime) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_COUNT_FORGED, {"method": method.pk, "now": now, "hour_ago": now - _HOUR})
        [forged] = cursor.fetchone()
        if forged == MOST_FORGED:
            raise_alert(causes.WEBHOOK_FORGED, now=now, method=method.pk, name=method.name, count=forged)


def delete_old(*, now: datetime) -> int:
    """Delete calls that nobody needs any more; return how many."""
    return GatewayEvent.objects.filter(received_at__lt=now - KEEP).delete()[0]
