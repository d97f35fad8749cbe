"""Thawing a restored shop, one provider at a time, and then the shop."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from catalog.models import Provider
from catalog.pricing import provider_charge_for
from catalog.providers import repeatable
from catalog.providers.connection import client_for
from core.refusals import Refusal
from core.staff_actions import Actor, record_staff_action
from notices import causes
from notices.alerts import raise_alert
from orders import freezing, own_ids
from orders.books import orphans
from orders.books.orphans import Orphan
from orders.forwarding import leases
from orders.models import (
    UNEXPLAINED,
    ChildOrder,
    ForwardAttempt,
    Order,
    OwnId,
    ReconciliationBreak,
    Refill,
    ShopState,
    ThawScan,
)
from orders.states import Forward, RefillState
from orders.thawing import doubts
from orders.thawing.scan import Found, ScanFailed, ScanRange, scan
from upstream.errors import Unavailable
from upstream.ids import canonical_id

#: A unit of the coarsest charge a panel shows: two decimals.
_ROUNDING = Decimal("0.01")
#: At times providers charge other than their own list: by some percent, not by half of it.
_UNLIKE_THE_LIST = 2


class NotYet(Refusal):
    """The shop cannot be thawed yet, or a provider not be scanned yet."""

    code = "not_yet"


@dataclass
class ThawResult:
    """What thawing one provider did, as order numbers of ours; and ids at the provider that nobody knows."""

    doubted: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    refills: list[int] = field(default_factory=list)
    unknown: list[Found] = field(default_factory=list)


def waiting_for() -> list[Provider]:
    """The providers that a restored shop has not been compared with yet."""
    state = ShopState.objects.filter(pk=1, frozen_at__isnull=False, is_restored=True).first()
    if state is None:
        return []
    touched = Q(pk__in=ForwardAttempt.objects.values("provider")) | Q(pk__in=Order.objects.values("provider"))
    done = ThawScan.objects.filter(at__gte=state.frozen_at).values("provider")
    return list(Provider.objects.filter(touched).exclude(pk__in=done).order_by("name"))


def thaw(*, actor: Actor, reason: str, now: datetime) -> None:
    """Let orders leave again. Raises NotYet while a provider waits for its scan, or nothing is frozen.

    After a restore no provider is proven to know a repeated request any more; the owner tests again.
    """
    if not ShopState.objects.filter(frozen_at__isnull=False).exists():
        raise NotYet(_("The shop is not frozen."))
    if waiting := waiting_for():
        names = ", ".join(p.name for p in waiting)
        raise NotYet(_("Scan these providers first: %(names)s") % {"names": names})
    if ShopState.objects.filter(is_restored=True).exists():
        # What took a proof away after the dump is forgotten with it.
        Provider.objects.exclude(request_id_proof="").update(**repeatable.NO_PROOF)
    freezing.unfreeze(now=now, actor=actor, reason=reason)


def thaw_provider(
    provider: Provider, *, recent_id: str | None, actor: Actor, reason: str, now: datetime, first_id: str | None = None
) -> ThawResult:
    """Find out what the provider received since the dump, and turn what came back into doubts.

    ``recent_id`` is the newest order in the owner's own list in the provider's panel. Without one nothing is asked and
    nothing proven. ``first_id`` replaces the last id that the database knows. Raises NotYet and ScanFailed; both leave
    everything as it is.
    """
    # 1. What was sent before the dump has had its time, and has no sender any more.
    state = ShopState.objects.filter(pk=1, frozen_at__isnull=False, is_restored=True).first()
    if state is None or state.frozen_at is None:
        raise NotYet(_("The shop is not frozen because of a restore."))
    settled = state.frozen_at + timedelta(seconds=settings.DOUBT_SETTLE_SECONDS)
    if now < settled:
        raise NotYet(
            _("The provider may still be carrying out what it was sent. Try again after %(time)s.")
            % {"time": f"{settled:%H:%M:%S %Z}"}
        )
    leases.expire(now=now)
    # 2. Which ids from the last known one to the owner's recent one are ours?
    between, rates = None, dict[str, Decimal]()
    if recent_id is not None:
        between = _range_to_scan(provider, recent_id, first_id)
        client = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS)
        scan(
            client,
            between,
            per_minute=settings.POLL_CALLS_PER_MINUTE,
            pause=lambda: time.sleep(settings.PROBE_PASS_GAP_SECONDS),
        )
    # 3. Where some are unknown, today's rates: an order whose price moved since could have been charged anything.
    if between is not None and not between.found.keys() <= known_ids(provider.pk):
        try:
            listing = client_for(provider, deadline=settings.SYNC_DEADLINE_SECONDS).services()
        except Unavailable as failure:
            raise ScanFailed(f"its price list could not be read: {failure.reason}") from failure
        rates = {row.external_id: row.rate for row in listing.rows if row.rate is not None and not row.quarantine}
    # 4. Conclude.
    return _conclude(provider, between, rates, state.frozen_at, actor=actor, reason=reason, now=now)


def _range_to_scan(provider: Provider, recent_id: str, first_id: str | None) -> ScanRange:
    def number(text: str) -> int:
        canonical = canonical_id(text)
        if canonical is None or not canonical.isdigit():
            raise NotYet(_("“%(id)s” is not a number, so its range cannot be searched.") % {"id": text[:40]})
        return int(canonical)

    recent = number(recent_id)
    numbers = [int(i) for i in known_ids(provider.pk) if i.isascii() and i.isdigit()]
    known = number(first_id) if first_id else max(numbers, default=0)
    if known > recent:
        raise NotYet(_("Order %(known)d is newer than the one given as recent.") % {"known": known})
    if not known:
        raise NotYet(_("No order of this provider is known: give the first id to search from, too."))
    return ScanRange(known=known, recent=recent)


def known_ids(provider_id: int) -> set[str]:
    """The ids at this provider that some row of ours has."""
    here = {"provider": provider_id}
    rows = (
        ForwardAttempt.objects.filter(**here, upstream_id__isnull=False),
        ChildOrder.objects.filter(**here),
        OwnId.objects.filter(**here).exclude(explained__in=UNEXPLAINED),
        ReconciliationBreak.objects.filter(**here).exclude(upstream_id=""),
    )
    return {i for kind in rows for i in kind.values_list("upstream_id", flat=True) if i}


@transaction.atomic
def _conclude(
    provider: Provider,
    between: ScanRange | None,
    rates: dict[str, Decimal],
    frozen_at: datetime,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
) -> ThawResult:
    """Turn each row that came back into a doubt, let the proven absent ones go, and store what was found."""
    known = known_ids(provider.pk)
    unknown = [f for i, f in sorted(between.found.items()) if i not in known] if between else []
    facts = {
        f.upstream_id: {"charge": None if f.charge is None else f"{f.charge:f}", "state": f.state} for f in unknown
    }
    done = ThawResult(unknown=unknown, doubted=doubts.mark_earlier_doubts(provider.pk))
    # 1. The last moment at which the dump knew of anything sent here: a row may have been sent since.
    last_sent_at = ForwardAttempt.objects.filter(provider=provider).aggregate(last=Max("sent_at"))["last"]
    known_at = last_sent_at or frozen_at
    # 2. Queued orders and refills. What was accepted since the shop froze was never sent by anybody.
    orders = Order.objects.select_for_update().filter(provider=provider, created_at__lt=frozen_at)
    for order in orders.filter(forward_state=Forward.QUEUED).order_by("id"):
        attempt = doubts.doubt_order(order, known_at=max(known_at, order.created_at), now=now)
        if between is not None and is_absent(order, unknown, rates):
            unexplained = {i: fact["charge"] for i, fact in facts.items()}
            proof = {"low": str(between.known), "high": str(between.recent), "passes": 2, "unexplained": unexplained}
            doubts.let_go(attempt, proof=proof, now=now)
            done.absent.append(order.pk)
        else:
            done.doubted.append(order.pk)
    refills = Refill.objects.select_for_update().filter(provider=provider, created_at__lt=frozen_at)
    for refill in refills.filter(state=RefillState.QUEUED).order_by("id"):
        doubts.doubt_refill(refill, known_at=max(known_at, refill.created_at), now=now)
        done.refills.append(refill.pk)
    if done.doubted or done.refills:
        raise_alert(causes.RESTORED, now=now, provider=provider.pk, name=provider.name, count=len(done.doubted))
    # 3. Unknown ids of ours are known from now on, so no later order is ever looked for among them. Panels leave out
    #    ids that are not ours: such a one proves nothing, and is nobody's order to look for either.
    ours = [f for f in unknown if f.is_ours]
    for found in ours:
        own_ids.note_seen(provider.pk, found.upstream_id, found.answer, now=now)
    orphans.note_orphans(provider, [Orphan(f.upstream_id, f.charge, f.state) for f in ours], now=now)
    ThawScan.objects.create(
        provider=provider,
        at=now,
        actor=actor.name[:254],
        reason=reason[:300],
        known_id=str(between.known) if between else "",
        recent_id=str(between.recent) if between else "",
        is_complete=between is not None,
        unknown=facts,
        doubted=done.doubted,
        absent=done.absent,
    )
    scanned = {"known_id": between.known, "recent_id": between.recent} if between else {"nothing_proven": True}
    counts = {"doubted": len(done.doubted), "absent": len(done.absent), "unknown": len(unknown)}
    record_staff_action(actor, "provider.thaw", provider, reason=reason, after={**scanned, **counts})
    return done


def is_absent(order: Order, unknown: Sequence[Found], rates: dict[str, Decimal]) -> bool:
    """True if none of the ids that nobody knows could be this order.

    Only a charge rules one out, since nobody knows what was bought in the lost time; it must be as the list would have
    it today, and clearly another one.
    """
    if not unknown:
        return True
    rate = rates.get(order.external_service_id)
    if rate is None or provider_charge_for(rate, order.total, order.unit) != order.expected_charge:
        return False
    if order.runs or order.expected_charge <= 0:
        return False  # its runs are orders with charges of their own
    for found in unknown:
        if not found.is_clear or found.charge is None:
            return False
        less, more = sorted((found.charge, order.expected_charge))
        if more - _ROUNDING < less * _UNLIKE_THE_LIST:
            return False
    return True
