"""From rows to a picture that the rules can judge."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog.models import Provider, ProviderService
from catalog.pricing import provider_charge_for
from orders.doubt.clock import moment, seconds
from orders.doubt.decimals import shown_decimals
from orders.doubt.intervals import first_looks, settle_time
from orders.doubt.picture import (
    Answer,
    Attempt,
    Explained,
    OwnId,
    Parent,
    Pass,
    Picture,
    Reading,
    Standing,
    Times,
)
from orders.models import UNEXPLAINED, Explanation, ForwardAttempt, Order, ProbePass, RateReading, ThawScan
from orders.models import OwnId as OwnIdRow
from orders.own_ids import number_of
from orders.states import Forward, Outcome, Progress, Shape

SUBSCRIPTIONS = "subscriptions"
_REMEMBERED = timedelta(hours=48)
_LEARN_FROM = 200
#: Status calls for one doubt in one search.
CALLS_PER_DOUBT = 20


def times() -> Times:
    """The times that the rules use, from the settings."""
    return Times(
        settle_time().total_seconds(),
        settings.DOUBT_REVIEW_SECONDS,
        settings.PROBE_PASS_GAP_SECONDS,
        first_looks(),
    )


def ids_per_call(provider: Provider) -> int:
    """Unknown ids in one call, beside its two controls."""
    return max(1, min(provider.batch_size, 100) - 2)


def may_own() -> Q:
    """Attempts whose request the provider may have carried out without our knowing the id."""
    undecided = Q(outcome__in=[Outcome.IN_DOUBT, Outcome.SENDING])
    return undecided | Q(outcome=Outcome.NOT_PLACED, decided_by__isnull=False)


def picture_of(provider: Provider, *, now: datetime) -> Picture:
    """Everything known about this provider's doubts at ``now``. An attempt's key is its row's id."""
    # Attempts are read before ids: one that is recorded in between then counts as a possible owner of an id that is
    # explained already, and never is an id left without the attempt that placed it.
    rows = list(ForwardAttempt.objects.filter(may_own(), provider=provider).select_related("order").order_by("id"))
    bounds, unlooked = _bounds(provider), _time_not_looked_through(provider)
    attempts = tuple(
        _attempt(row, readings, bounds.get(row.pk, (None, None)), unlooked)
        for row, readings in _with_readings(provider, rows)
    )
    return Picture(
        now=seconds(now),
        unit=Decimal(1).scaleb(-learn_decimals(provider)),
        ids=_ids(provider, attempts, now),
        attempts=attempts,
        parents=(*_doubtful_parents(rows), *_attached_parents(provider, now)),
        passes=_passes(provider, attempts),
        times=times(),
        widest=CALLS_PER_DOUBT * ids_per_call(provider),
        drip_shapes=_drip_shapes(provider),
    )


def _bounds(provider: Provider) -> dict[int, tuple[int | None, int | None]]:
    """``low`` and ``high`` of every attempt that may own an id: one statement, however many are in doubt."""
    own = OwnIdRow.objects.filter(provider=provider, number__isnull=False)
    settled = OuterRef("sent") + settle_time()
    low = own.filter(first_seen_at__lte=OuterRef("sent")).order_by("-number").values("number")[:1]
    # From the low one upwards: what grows is asked for first (A1), and the search ends at the first that fits.
    above = own.filter(attempt__sent_at__gte=settled, number__gt=Coalesce(OuterRef("low"), -1))
    rows = ForwardAttempt.objects.filter(may_own(), provider=provider)
    rows = rows.annotate(sent=Coalesce("sent_at", "claimed_at"), low=Subquery(low))
    rows = rows.annotate(high=Subquery(above.order_by("number").values("number")[:1]))
    return {pk: (least, most) for pk, least, most in rows.values_list("pk", "low", "high")}


def _drip_shapes(provider: Provider) -> frozenset[Shape]:
    """Once runs were listed here, drip-feeds show theirs; until then one may look like any order."""
    has_listed = OwnIdRow.objects.filter(provider=provider, explained=Explanation.CHILD, parent__runs__isnull=False)
    return frozenset({Shape.DRIP}) if has_listed.exists() else frozenset({Shape.DRIP, Shape.PLAIN})


def newest_own_id(provider: Provider) -> int | None:
    return OwnIdRow.objects.filter(provider=provider).aggregate(newest=Max("number"))["newest"]


def learn_decimals(provider: Provider) -> int:
    """From the latest attached orders that are still charged whole."""
    whole = Order.objects.filter(provider=provider, provider_charge__gt=0, expected_charge__gt=0)
    whole = whole.exclude(progress__in=[Progress.PARTIAL, Progress.CANCELED, Progress.REFUNDED, Progress.FAILED])
    heard = whole.order_by("-id").values_list("provider_charge", "expected_charge")[:_LEARN_FROM]
    return shown_decimals((charge, expected) for charge, expected in heard if charge is not None)


def _standing_of(attempt: ForwardAttempt, unlooked: datetime | None) -> Standing:
    if "restored" in attempt.evidence or _is_from_before_a_restore(attempt, unlooked):
        return Standing.RESTORED
    if attempt.outcome == Outcome.SENDING:
        return Standing.SENDING
    if attempt.outcome == Outcome.NOT_PLACED:
        return Standing.SAID_NOT_PLACED
    by_order = {Forward.IN_DOUBT: Standing.IN_DOUBT, Forward.REVIEW: Standing.REVIEW}
    return by_order.get(Forward(attempt.order.forward_state), Standing.REFUNDED_OPEN)


def _time_not_looked_through(provider: Provider) -> datetime | None:
    """When the shop last came back from a dump without the time that was lost being looked through here."""
    scans = ThawScan.objects.filter(provider=provider, is_complete=False)
    found: datetime | None = scans.aggregate(at=Max("at"))["at"]
    return found


def _is_from_before_a_restore(attempt: ForwardAttempt, unlooked: datetime | None) -> bool:
    """Whether nothing of ours separates this send from orders of a time that was lost and never looked through.

    The first order placed after it does: whatever was lost has a lower number.
    """
    sent_at = attempt.sent_at or attempt.claimed_at
    if unlooked is None or sent_at < unlooked:
        return False
    since = OwnIdRow.objects.filter(provider_id=attempt.provider_id, explained=Explanation.ATTEMPT)
    return not since.filter(attempt__sent_at__gt=unlooked, first_seen_at__lte=sent_at).exists()


def shape_of_order(order: Order) -> Shape:
    if order.service_type == SUBSCRIPTIONS:
        return Shape.SUBSCRIPTION
    return Shape.DRIP if order.runs else Shape.PLAIN


def _attempt(
    row: ForwardAttempt,
    readings: tuple[Reading, ...],
    bounds: tuple[int | None, int | None],
    unlooked: datetime | None,
) -> Attempt:
    sent_at = row.sent_at or row.claimed_at
    return Attempt(
        key=row.pk,
        standing=_standing_of(row, unlooked),
        sent_at=seconds(sent_at),
        low=bounds[0],
        high=bounds[1],
        expected=row.order.expected_charge,
        quantity=row.order.total,
        shape=shape_of_order(row.order),
        runs=row.order.runs,
        readings=readings,
        was_paid_for=bool(row.evidence.get("balance", {}).get("fell_by_cost")),
    )


def _with_readings(provider: Provider, rows: list[ForwardAttempt]) -> list[tuple[ForwardAttempt, tuple[Reading, ...]]]:
    since = min((row.order.created_at for row in rows), default=None)
    readings = RateReading.objects.filter(provider=provider, at__gte=since).order_by("at") if since else ()
    return [(row, tuple(_readings_for(row.order, readings))) for row in rows]


def _readings_for(order: Order, readings: QuerySet[RateReading] | tuple[()]) -> list[Reading]:
    """Oldest first. What was read again is one reading, of the later moment: rules ask what was read, and when last."""
    found: list[Reading] = []
    for reading in readings:
        if reading.at < order.created_at or order.external_service_id not in reading.rates:
            continue
        rate = reading.rates[order.external_service_id]
        charge = None if rate is None else provider_charge_for(Decimal(rate), order.total, order.unit)
        if found and found[-1].charge == charge:
            del found[-1]
        found.append(Reading(seconds(reading.at), charge))
    return found


def _ids(provider: Provider, attempts: tuple[Attempt, ...], now: datetime) -> tuple[OwnId, ...]:
    low = min((a.low for a in attempts if a.low is not None), default=0)
    lately = Q(number__gt=low) | Q(first_seen_at__gte=now - _REMEMBERED)
    rows = OwnIdRow.objects.filter(lately, provider=provider, number__isnull=False)
    rows = rows.filter(explained__in=[*UNEXPLAINED, Explanation.FOREIGN]).order_by("number")
    return tuple(_own_id(row) for row in rows)


def _own_id(row: OwnIdRow) -> OwnId:
    assert row.number is not None  # noqa: S101 - the query asked for numbers
    answer = Answer(row.state, row.charge, Shape(row.shape), row.runs, row.remains) if row.answered_at else None
    return OwnId(row.number, seconds(row.first_seen_at), answer, Explained(row.explained))


def _doubtful_parents(rows: list[ForwardAttempt]) -> list[Parent]:
    parents = [row for row in rows if row.outcome != Outcome.NOT_PLACED and is_parent(row.order)]
    return [Parent(row.pk, seconds(row.sent_at or row.claimed_at), *charges_of_runs(row.order)) for row in parents]


def _attached_parents(provider: Provider, now: datetime) -> list[Parent]:
    """Open parents, and those that ended lately: a run may be listed late."""
    placed = ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.PLACED).select_related("order")
    open_ones = placed.filter(Q(order__finished_at=None) | Q(order__finished_at__gte=now - _REMEMBERED))
    rows = open_ones.filter(Q(order__runs__isnull=False) | Q(order__service_type=SUBSCRIPTIONS))
    lists_children = OwnIdRow.objects.filter(provider=provider, explained=Explanation.CHILD).exists()
    return [_attached(row, lists_children) for row in rows]


def _attached(row: ForwardAttempt, lists_children: bool) -> Parent:
    order, answered_at = row.order, row.order.answered_at if lists_children else None
    known = OwnIdRow.objects.filter(parent=order).count() if order.runs else 0
    return Parent(
        row.pk,
        seconds(row.sent_at or row.claimed_at),
        *charges_of_runs(order),
        number=number_of(row.upstream_id or ""),
        polled_at=seconds(answered_at) if answered_at else None,
        is_complete=bool(order.runs) and known >= (order.runs or 0),
    )


def is_parent(order: Order) -> bool:
    return shape_of_order(order) is not Shape.PLAIN


def charges_of_runs(order: Order) -> tuple[Decimal, Decimal]:
    """What one run costs at least and at most, in the provider's currency."""
    if order.runs:
        return order.expected_charge / order.runs, order.expected_charge / order.runs
    source = ProviderService.objects.filter(provider_id=order.provider_id, external_id=order.external_service_id)
    rate = source.values_list("rate", flat=True).first()
    if rate is None:
        return Decimal(0), Decimal("1e12")
    least, most = (int(order.fields.get(name) or 1) for name in ("min", "max"))
    return provider_charge_for(rate, least, order.unit), provider_charge_for(rate, most, order.unit)


def _passes(provider: Provider, attempts: tuple[Attempt, ...]) -> tuple[Pass, ...]:
    sent = [a.sent_at for a in attempts if a.is_open]
    if not sent:
        return ()
    since = moment(min(sent))
    rows = ProbePass.objects.filter(provider=provider, started_at__gte=since).order_by("id")
    return tuple(
        Pass(
            row.pk,
            seconds(row.started_at),
            seconds(row.finished_at),
            tuple(sorted((low, high) for low, high in row.ranges)),
            frozenset(row.new_ids),
        )
        for row in rows
    )
