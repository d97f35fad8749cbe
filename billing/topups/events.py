"""Webhooks: a genuine call is stored and says where to look. Nothing is credited here, and nothing is asked."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from billing.gateways.contract import Forged, Hint, Ignored
from billing.models import GatewayEvent, PaymentMethod, TopUp
from billing.topups import methods, timetable
from billing.topups.alerts import warn
from billing.topups.applying import hold_topup
from billing.topups.looking import ring
from notices import causes
from notices.alerts import raise_alert

#: So many calls with a wrong signature in an hour open an alert.
MOST_FORGED = 5
_HOUR = timedelta(hours=1)
KEEP = timedelta(days=90)
_PLAIN = re.compile(r"[ -~]*\Z", re.ASCII)

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
    try:
        hint = _clean(_verified(method, headers, body, now=now))
    except Ignored:
        PaymentMethod.objects.filter(pk=method.pk).update(last_event_at=now)
        return True
    except Forged:
        _count_forged(method, now=now)
        return False
    with transaction.atomic():
        is_new = _store(method, hint, body, now=now)
        PaymentMethod.objects.filter(pk=method.pk).update(last_event_at=now)
        _make_due(method, hint, is_new=is_new, now=now)
    ring()
    return True


def _verified(method: PaymentMethod, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
    """Return what a genuine call says: signed with the present secrets, or with old ones that still count.

    Raises Forged and Ignored.
    """
    gateway, config = methods.gateway_of(method), methods.config_of(method)
    wanted = {name: value for name, value in headers.items() if name in gateway.spec.headers}
    try:
        return gateway.verify(wanted, body, config, now)
    except Forged:
        old = method.old_secrets(now=now)
        if not old:
            raise
        return gateway.verify(wanted, body, replace(config, values={**config.values, **old}), now)


def _clean(hint: Hint) -> Hint:
    """Return a hint whose texts can be stored: of what is too long, or has other signs than ASCII's, a digest."""
    return replace(
        hint,
        event_id=_text(hint.event_id, 200),
        kind=_text(hint.kind, 80),
        remote_id=_text(hint.remote_id, 200),
        reference=_text(hint.reference, 64),
        payment_id=_text(hint.payment_id, 200),
        warning="".join(sign for sign in hint.warning if sign.isprintable()),
    )


def _text(given: str, most: int) -> str:
    is_plain = len(given) <= most and _PLAIN.match(given)
    return given if is_plain else hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def _store(method: PaymentMethod, hint: Hint, body: bytes, *, now: datetime) -> bool:
    """Store a call; return False if it is stored already."""
    _row, is_new = GatewayEvent.objects.defer("body").get_or_create(
        method=method,
        event_id=hint.event_id,
        defaults={
            "kind": hint.kind,
            "remote_id": hint.remote_id,
            "reference": hint.reference,
            "payment_id": hint.payment_id,
            "body": body,
            "received_at": now,
        },
    )
    return is_new


def _make_due(method: PaymentMethod, hint: Hint, *, is_new: bool, now: datetime) -> None:
    """Find the top-up by its id at the gateway, or by a payment of it; a reference is only a second witness."""
    mine = TopUp.objects.filter(method=method)
    if hint.remote_id:
        topup = mine.filter(remote_id=hint.remote_id).first()
    else:
        by_payment = mine.filter(payments__payment_id=hint.payment_id) if hint.payment_id else mine.none()
        topup = by_payment.first() or mine.filter(reference=hint.reference).first()
    if topup is None:
        if is_new:
            _note_stranger(method, hint, now=now)
        return
    due = TopUp.objects.filter(pk=topup.pk)
    if not is_new:
        # A call that is repeated often asks the gateway no more often than a customer can.
        due.exclude(looked_at__gt=now - timetable.JUST_NOW).update(next_look_at=now)
        return
    if hint.reference and hint.reference != topup.reference:
        raise_alert(causes.WEBHOOK_CONTRADICTS, now=now, method=method.pk, name=method.name, number=topup.number)
        hold_topup(topup.pk, _("A call of the gateway named this top-up and another one."), cause="webhook", now=now)
    if hint.warning:
        warn(topup, hint.warning, now=now)
    due.update(next_look_at=now)


def _note_stranger(method: PaymentMethod, hint: Hint, *, now: datetime) -> None:
    """Open an alert about a call that names a reference of ours with another payment than that of its top-up."""
    topup = TopUp.objects.filter(method=method, reference=hint.reference).first() if hint.reference else None
    # One without an id is being started: its answer comes after the call.
    if topup is not None and topup.remote_id:
        remote, number = hint.remote_id[:80], topup.number
        raise_alert(causes.WEBHOOK_OF_STRANGER, now=now, topup=topup.pk, name=method.name, number=number, remote=remote)


def _count_forged(method: PaymentMethod, *, now: datetime) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_COUNT_FORGED, {"method": method.pk, "now": now, "hour_ago": now - _HOUR})
        [forged] = cursor.fetchone()
        if forged == MOST_FORGED:
            raise_alert(causes.WEBHOOK_FORGED, now=now, method=method.pk, name=method.name, count=forged)


def delete_old(*, now: datetime) -> int:
    """Delete calls that nobody needs any more; return how many."""
    return GatewayEvent.objects.filter(received_at__lt=now - KEEP).delete()[0]
