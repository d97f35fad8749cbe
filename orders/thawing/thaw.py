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
from catalog.providers.connection import client_for
from core.refusals import Refusal
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
from orders.thawing.scan import Found, Range, ScanFailed, ask
from upstream.errors import Unavailable
from upstream.ids import canonical_id

#: A unit of the coarsest charge a panel shows: two decimals.
_ROUNDING = Decimal("0.01")
#: Providers charge unlike their own list at times: by some percent, not by half of it.
_UNLIKE_THE_LIST = 2


class NotYet(Refusal):
    """The shop cannot be thawed, or a provider not be looked at, as things are."""

    code = "not_yet"


@dataclass
class Outcome:
    """What a thaw of one provider did: order numbers of ours, and ids of theirs that nobody knows."""

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


def thaw(*, actor: str, reason: str, now: datetime) -> None:
    """Let orders leave again. Raises NotYet while a provider waits for its scan, or nothing is frozen."""
    if not ShopState.objects.filter(frozen_at__isnull=False).exists():
        raise NotYet(_("The shop is not frozen."))
    if waiting := waiting_for():
        names = ", ".join(p.name for p in waiting)
        raise NotYet(_("Not before these providers were looked at: %(names)s") % {"names": names})
    freezing.unfreeze(now=now, actor=actor, reason=reason)


def thaw_provider(
    provider: Provider, *, recent_id: str | None, actor: str, reason: str, now: datetime, first_id: str | None = None
) -> Outcome:
    """Find out what the provider received since the dump, and turn what came back into doubts.

    ``recent_id`` is the newest order in the owner's own list in the provider's panel. Without one nothing is asked and
    nothing proven. ``first_id`` replaces the last id that the database knows. Raises NotYet and ScanFailed; both leave
    everything as it is.
    """
    state = ShopState.objects.filter(pk=1, frozen_at__isnull=False, is_restored=True).first()
    if state is None or state.frozen_at is None:
        raise NotYet(_("The shop is not frozen because of a restore."))
    _demand_settled(state.frozen_at, now)
    leases.expire(now=now)  # What the dump shows under way has no sender any more.
    between = None
    if recent_id is not None:
        between = _range(provider, recent_id, first_id)
        client = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS)
        ask(client, between, per_minute=settings.POLL_CALLS_PER_MINUTE, pause=_pause)
    has_news = between is not None and not between.found.keys() <= known_ids(provider.pk)
    rates = _rates(provider) if has_news else {}
    return _conclude(provider, between, rates, state.frozen_at, actor=actor, reason=reason, now=now)


def _demand_settled(frozen_at: datetime, now: datetime) -> None:
    settled = frozen_at + timedelta(seconds=settings.DOUBT_SETTLE_SECONDS)
    if now < settled:
        raise NotYet(
            _("The provider may still be carrying out what it was sent. Try again after %(time)s.")
            % {"time": f"{settled:%H:%M:%S %Z}"}
        )


def _pause() -> None:
    time.sleep(settings.PROBE_PASS_GAP_SECONDS)


def _range(provider: Provider, recent_id: str, first_id: str | None) -> Range:
    recent = _number(recent_id)
    numbers = [int(i) for i in known_ids(provider.pk) if i.isascii() and i.isdigit()]
    known = _number(first_id) if first_id else max(numbers, default=0)
    if known > recent:
        raise NotYet(_("Order %(known)d is newer than the one given as recent.") % {"known": known})
    if not known:
        raise NotYet(_("No order of this provider is known: give the first id to look from, too."))
    return Range(known=known, recent=recent)


def _number(text: str) -> int:
    canonical = canonical_id(text)
    if canonical is None or not canonical.isdigit():
        raise NotYet(_("“%(id)s” is not a number: such ids cannot be looked through.") % {"id": text[:40]})
    return int(canonical)


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


def _rates(provider: Provider) -> dict[str, Decimal]:
    """Today's rates: an order whose price has moved since could have been charged anything."""
    try:
        listing = client_for(provider, deadline=settings.SYNC_DEADLINE_SECONDS).services()
    except Unavailable as failure:
        raise ScanFailed(f"its price list could not be read: {failure.reason}") from failure
    return {row.external_id: row.rate for row in listing.rows if row.rate is not None and not row.quarantine}


@transaction.atomic
def _conclude(
    provider: Provider,
    between: Range | None,
    rates: dict[str, Decimal],
    frozen_at: datetime,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> Outcome:
    known = known_ids(provider.pk)
    unknown = [f for i, f in sorted(between.found.items()) if i not in known] if between else []
    done = Outcome(unknown=unknown, doubted=doubts.mark_earlier_doubts(provider.pk))
    known_at = _last_memory(provider.pk) or frozen_at
    # Orders accepted since the shop froze were never sent by anybody.
    back = Order.objects.select_for_update().filter(provider=provider, created_at__lt=frozen_at)
    for order in back.filter(forward_state=Forward.QUEUED).order_by("id"):
        attempt = doubts.doubt_order(order, known_at=max(known_at, order.created_at), now=now)
        if between is not None and is_absent(order, unknown, rates):
            doubts.let_go(attempt, proof=_proof(between, unknown), now=now)
            done.absent.append(order.pk)
        else:
            done.doubted.append(order.pk)
    refills = Refill.objects.select_for_update().filter(provider=provider, created_at__lt=frozen_at)
    for refill in refills.filter(state=RefillState.QUEUED).order_by("id"):
        doubts.doubt_refill(refill, known_at=max(known_at, refill.created_at), now=now)
        done.refills.append(refill.pk)
    if done.doubted or done.refills:
        _tell(provider, len(done.doubted), now)
    # Panels leave numbers out that are not ours: such a one proves nothing, and is nobody's order to look for either.
    ours = [f for f in unknown if f.answers]
    _remember(provider, ours, now)
    orphans.note_orphans(provider, [Orphan(f.upstream_id, f.charge, f.state) for f in ours], now=now)
    _write_down(provider, between, done, actor=actor, reason=reason, now=now)
    return done


def _remember(provider: Provider, unknown: Sequence[Found], now: datetime) -> None:
    """Numbers of the lost time are known from now on, so no order sent later is ever looked for among them."""
    for found in unknown:
        own_ids.note_seen(provider.pk, found.upstream_id, found.heard, now=now)


def _tell(provider: Provider, count: int, now: datetime) -> None:
    raise_alert(causes.RESTORED, now=now, provider=provider.pk, name=provider.name, count=count)


def is_absent(order: Order, unknown: Sequence[Found], rates: dict[str, Decimal]) -> bool:
    """Whether none of the ids that nobody knows could be this order."""
    if not unknown:
        return True
    rate = rates.get(order.external_service_id)
    if rate is None or provider_charge_for(rate, order.total, order.unit) != order.expected_charge:
        return False
    if order.runs or order.expected_charge <= 0:
        return False  # its runs are orders with charges of their own
    return all(f.is_clear and not _fits(order, f) for f in unknown)


def _fits(order: Order, found: Found) -> bool:
    """Whether it could be charged so. Nothing else speaks against it: nobody knows what was bought in the lost time."""
    if found.charge is None:
        return True
    less, more = sorted((found.charge, order.expected_charge))
    return more - _ROUNDING < less * _UNLIKE_THE_LIST


def _last_memory(provider_id: int) -> datetime | None:
    """The last moment at which the dump knew of anything being sent to this provider."""
    last: datetime | None = ForwardAttempt.objects.filter(provider=provider_id).aggregate(last=Max("sent_at"))["last"]
    return last


def _proof(between: Range, unknown: Sequence[Found]) -> dict[str, object]:
    return {
        "low": str(between.known),
        "high": str(between.recent),
        "passes": 2,
        "unexplained": {f.upstream_id: None if f.charge is None else f"{f.charge:f}" for f in unknown},
    }


def _write_down(
    provider: Provider, between: Range | None, done: Outcome, *, actor: str, reason: str, now: datetime
) -> None:
    ThawScan.objects.create(
        provider=provider,
        at=now,
        actor=actor[:254],
        reason=reason[:300],
        known_id=str(between.known) if between else "",
        recent_id=str(between.recent) if between else "",
        is_complete=between is not None,
        unknown={
            f.upstream_id: {"charge": None if f.charge is None else f"{f.charge:f}", "state": f.state}
            for f in done.unknown
        },
        doubted=done.doubted,
        absent=done.absent,
    )
