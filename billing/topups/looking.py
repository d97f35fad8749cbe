"""Asks gateways what became of top-ups: by the sweep, after a webhook, when a customer returns, when staff ask.

A webhook that is lost costs time and no money: every open top-up is looked at by the clock.
"""

import logging
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from billing.gateways.contract import Ability, NoAnswer, Reading, ReadState
from billing.models import GatewayEvent, PaymentMethod, TopUp, TopUpPayment, TopUpState
from billing.topups import methods, timetable
from billing.topups.applying import apply, hold_topup
from billing.topups.history import note_step
from billing.topups.starting import asked_of, open_at_gateway
from core import broker
from core.clock import database_now, elapsed_clock
from core.frozen import shop_is_frozen
from notices import causes
from notices.alerts import close_alert, raise_alert
from notices.containment import contained

log = logging.getLogger(__name__)

LOOK = "storefront.tasks.look_at_topups"
#: After so many questions in a row without a usable answer, which takes twenty minutes, the owner reads of it.
MANY_MISSES = 5

_CLAIM = """
    UPDATE billing_topup SET next_look_at = %(until)s, looks = looks + 1
    WHERE id = (SELECT id FROM billing_topup WHERE next_look_at <= %(now)s
                ORDER BY next_look_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id
"""


def ring() -> None:
    """Ring for a worker; if the broker is away, only log that, since the sweep finds the rows."""
    try:
        broker.publish(LOOK)
    except Exception as problem:  # every transport raises classes of its own, and none may break what is committed
        log.warning("no bell for top-ups (%s); the sweep finds them", type(problem).__name__)


def look_due(*, seconds: float) -> int:
    """Look at every top-up that is due, for about so many seconds; return how many were looked at."""
    started, looked = elapsed_clock(), 0
    while elapsed_clock() - started < seconds:
        now = database_now()
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"now": now, "until": now + timetable.LEASE})
            claimed = cursor.fetchone()
        if claimed is None:
            break
        looked += 1
        with contained("looking at top-ups"):
            look(claimed[0], cause="look", now=now)
    return looked


def look(topup_id: int, *, cause: str, now: datetime) -> TopUp:
    """Ask the gateway of one top-up and record the answer; return the top-up. Must not run inside a transaction.

    An answer that came after that to a later question is dropped, and the top-up is due at once.
    """
    topup = TopUp.objects.select_related("method", "customer").get(pk=topup_id)
    if topup.state == TopUpState.CREATED:
        open_at_gateway(topup, now=now)
        if topup.state == TopUpState.CREATED:
            return _missed(topup, now=now) if now < topup.expires_at else _given_up(topup, now=now)
    if not topup.remote_id:
        return topup
    # Two answers are told apart by when they were asked for, and what came before may have taken a while.
    now = max(now, database_now())
    try:
        reading = _read(topup, now=now)
    except NoAnswer as problem:
        log.warning("%s: no answer about %s: %s", topup.method, topup, problem)
        return _missed(topup, now=now)
    PaymentMethod.objects.filter(pk=topup.method_id).update(last_answer_at=now)
    if topup.misses >= MANY_MISSES:
        _close_unanswered(topup, now=now)
    return apply(topup.pk, reading, cause=cause, now=now, seen=topup.next_look_at, last=topup.looked_at)


def _read(topup: TopUp, *, now: datetime) -> Reading:
    gateway, config, asked = methods.gateway_of(topup.method), methods.config_for(topup), asked_of(topup)
    known = set(TopUpPayment.objects.filter(topup=topup).values_list("payment_id", flat=True))
    hinted = GatewayEvent.objects.filter(method=topup.method, remote_id=topup.remote_id).exclude(payment_id="")
    reading = gateway.fetch(asked, frozenset(known | set(hinted.values_list("payment_id", flat=True))), config)
    # A frozen shop only reads: what it takes or ends may have been taken or ended in the hours that are lost.
    if shop_is_frozen():
        return replace(reading, state=ReadState.PENDING) if reading.state is ReadState.APPROVED else reading
    if reading.state is ReadState.APPROVED:
        return gateway.settle(asked, config)
    is_over = reading.state is ReadState.PENDING and not reading.payments and now >= topup.expires_at
    # What cannot be paid any more says so from then on; where it was paid at the last moment, nothing is cancelled.
    if is_over and Ability.CANCEL in gateway.spec.abilities and gateway.cancel(asked, config):
        return gateway.fetch(asked, frozenset(known), config)
    return reading


def _given_up(topup: TopUp, *, now: datetime) -> TopUp:
    """End a top-up that the gateway never answered for: nobody was shown where to pay."""
    with transaction.atomic():
        row = TopUp.objects.select_for_update().get(pk=topup.pk)
        if row.state == TopUpState.CREATED:
            row.state, row.next_look_at = TopUpState.FAILED, None
            row.save(update_fields=["state", "next_look_at"])
            note_step(row, old=TopUpState.CREATED, cause="look", now=now)
            _close_unanswered(row, now=now)
    return row


def _missed(topup: TopUp, *, now: datetime) -> TopUp:
    """Note that no usable answer came, and when to ask again; return the top-up.

    Once its time is over and it was asked often, nobody asks again. Whether one that may have been paid was, is then
    the owner's to find out.
    """
    misses = topup.misses + 1
    is_over = now >= topup.watch_until and misses >= MANY_MISSES
    due = None if is_over else timetable.after_miss(misses, now=now)
    still = Q(next_look_at=topup.next_look_at) if topup.next_look_at else Q(next_look_at=None)
    TopUp.objects.filter(pk=topup.pk).update(misses=F("misses") + 1)
    if topup.next_look_at is not None:
        TopUp.objects.filter(still, pk=topup.pk).update(next_look_at=due)
    if misses >= MANY_MISSES:
        method, number = topup.method, topup.number
        raise_alert(
            causes.GATEWAY_UNREADABLE, now=now, method=method.pk, name=method.name, number=number, misses=misses
        )
    if is_over and topup.state == TopUpState.PENDING:
        why = _("The gateway gave no usable answer about it until the end of its time.")
        hold_topup(topup.pk, why, cause="look", now=now)
    topup.refresh_from_db()
    return topup


def _close_unanswered(topup: TopUp, *, now: datetime) -> None:
    """Close the alert about a gateway without answers if ``topup``, which got one, was the last that waited for one."""
    waiting = TopUp.objects.filter(method=topup.method_id, next_look_at__isnull=False, misses__gte=MANY_MISSES)
    if not waiting.exclude(pk=topup.pk).exists():
        close_alert(causes.GATEWAY_UNREADABLE, now=now, method=topup.method_id)


def look_soon(topup: TopUp, *, now: datetime) -> None:
    """Have a worker look at a top-up now, unless somebody just did."""
    due = TopUp.objects.filter(pk=topup.pk).exclude(looked_at__gt=now - timetable.JUST_NOW)
    if due.update(next_look_at=now):
        ring()
