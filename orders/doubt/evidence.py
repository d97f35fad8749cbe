"""From rows to a picture that the rules can judge."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest

from catalog.models import Provider
from catalog.pricing import provider_charge_for
from orders.doubt.habits import learn_decimals, remains_are_reliable
from orders.doubt.intervals import first_looks, settle_time
from orders.doubt.missing_charges import shows_quantity
from orders.doubt.parents import parents_at, shape_of_order
from orders.doubt.picture import (
    FirstAnswer,
    Picture,
    PriceReading,
    SearchPass,
    SeenId,
    Standing,
    Times,
    UncertainAttempt,
    as_datetime,
)
from orders.models import (
    UNEXPLAINED,
    ForwardAttempt,
    Order,
    OwnId,
    ProbePass,
    RateReading,
    RepeatAttempt,
    RequestIdTest,
    ThawScan,
)
from orders.models.repeat import CONTRADICTED, named_by_repeats, unjudged
from orders.own_ids import number_of
from orders.states import Explanation, Forward, Outcome, Shape

#: Status calls for one doubt in one search.
CALLS_PER_DOUBT = 20
#: How far back unexplained ids still matter.
_REMEMBERED = timedelta(hours=48)
#: Longer than any doubt waits for a person.
_TESTS_REMEMBERED = timedelta(days=60)


def times() -> Times:
    """Return the times that the rules use, from the settings."""
    return Times(
        settle_time().total_seconds(),
        settings.DOUBT_REVIEW_SECONDS,
        settings.PROBE_PASS_GAP_SECONDS,
        first_looks(),
    )


def ids_per_call(provider: Provider) -> int:
    """Return how many unknown ids fit in one call together with its two controls."""
    return max(1, min(provider.batch_size, 100) - 2)


def may_own() -> Q:
    """Return the condition of attempts whose request may have been carried out under an id that we do not know."""
    undecided = Q(outcome__in=[Outcome.IN_DOUBT, Outcome.SENDING])
    return undecided | Q(outcome=Outcome.NOT_PLACED, decided_by__isnull=False)


def picture_of(provider: Provider, *, now: datetime) -> Picture:
    """Return everything known about this provider's doubts at ``now``. An attempt's key is its row's id."""
    # 1. Attempts, before ids: so no id is ever read without the attempt that placed it. One that is recorded in between
    #    only counts as a possible owner of an id that is explained already.
    rows = list(ForwardAttempt.objects.filter(may_own(), provider=provider).select_related("order").order_by("id"))
    named = {repeat.attempt_id: repeat for repeat in unjudged(provider.pk)}
    attempts = (*_attempts(provider, rows, named), *unnamed_tests(provider, now))

    # 2. The passes since the first open doubt was sent, before the ids, so that no pass is known without what it saw.
    sent = [a.sent_at for a in attempts if a.is_open or a.standing is Standing.NAMED]
    since = as_datetime(min(sent)) if sent else now
    passes = ProbePass.objects.filter(provider=provider, started_at__gte=since).order_by("id")
    searched = tuple(
        SearchPass(
            row.pk,
            row.started_at.timestamp(),
            row.finished_at.timestamp(),
            tuple(sorted((low, high) for low, high in row.ranges)),
            frozenset(row.new_ids),
        )
        for row in passes
    )

    # 3. The ids that nobody explains, and those that something else placed.
    low = min((a.low for a in attempts if a.low is not None), default=0)
    is_wanted = Q(number__gt=low) | Q(number__isnull=False, first_seen_at__gte=now - _REMEMBERED)
    seen = OwnId.objects.filter(is_wanted, provider=provider, explained__in=[*UNEXPLAINED, Explanation.FOREIGN])
    rows_seen = list(seen.order_by("number"))
    ids, named_for = [], named_by_repeats(provider.pk, [own.upstream_id for own in rows_seen])
    for own in rows_seen:
        assert own.number is not None  # noqa: S101 - the query asked for numbers
        explained = Explanation(own.explained) if own.explained else None
        asked_at = own.asked_at.timestamp() if own.asked_at else None
        named_by = named_for.get(own.upstream_id)
        ids.append(SeenId(own.number, own.first_seen_at.timestamp(), answer_of(own), explained, asked_at, named_by))

    # 4. Once runs were listed here, drip-feeds show theirs; until then one may look like any order.
    runs = OwnId.objects.filter(provider=provider, explained=Explanation.CHILD, parent__runs__isnull=False)
    drip_shapes = frozenset({Shape.DRIP}) if runs.exists() else frozenset({Shape.DRIP, Shape.PLAIN})
    return Picture(
        now=now.timestamp(),
        unit=Decimal(1).scaleb(-learn_decimals(provider)),
        ids=tuple(ids),
        attempts=attempts,
        parents=parents_at(provider, rows, now),
        passes=searched,
        times=times(),
        widest=CALLS_PER_DOUBT * ids_per_call(provider),
        drip_shapes=drip_shapes,
        remains_are_reliable=any(map(shows_quantity, ids)) and remains_are_reliable(provider),
    )


def answer_of(own: OwnId) -> FirstAnswer | None:
    """Return the answer that is kept about an id; None while none could be read."""
    if own.answered_at is None:
        return None
    return FirstAnswer(own.state, own.charge, Shape(own.shape), own.runs, own.remains)


def newest_own_id(provider: Provider) -> int | None:
    """Return the greatest number that is ours at this provider; None before the first."""
    return OwnId.objects.filter(provider=provider).aggregate(newest=Max("number"))["newest"]


def _attempts(
    provider: Provider, rows: list[ForwardAttempt], named: dict[int, RepeatAttempt]
) -> tuple[UncertainAttempt, ...]:
    """Return these attempts as the rules see them, with the rates read and the restores made since."""
    bounds, repeated = _bounds(provider), _repeated(rows)
    contradicted = set(
        RepeatAttempt.objects.filter(CONTRADICTED, provider=provider).values_list("attempt_id", flat=True)
    )
    priced_at = min((row.order.created_at for row in rows), default=None)
    rates = list(RateReading.objects.filter(provider=provider, at__gte=priced_at).order_by("at")) if priced_at else []
    # When the shop last came back from a dump without the time that was lost being searched here.
    restored_at = ThawScan.objects.filter(provider=provider, is_complete=False).aggregate(at=Max("at"))["at"]
    return tuple(
        UncertainAttempt(
            key=row.pk,
            standing=Standing.NAMED if row.pk in named else _standing_of(row, restored_at),
            sent_at=(row.sent_at or row.claimed_at).timestamp(),
            low=bounds.get(row.pk, (None, None))[0],
            high=bounds.get(row.pk, (None, None))[1],
            expected=row.order.expected_charge,
            quantity=row.order.total,
            shape=shape_of_order(row.order),
            runs=row.order.runs,
            readings=_price_readings(row.order, rates),
            was_paid_for=bool(row.evidence.get("balance", {}).get("fell_by_cost")),
            repeated_at=repeated.get(row.pk),
            is_contradicted=row.pk in contradicted,
            **_what_was_named(named.get(row.pk)),
        )
        for row in rows
    )


def _repeated(rows: list[ForwardAttempt]) -> dict[int, float]:
    """Return when the last repeat of each attempt left, by attempt."""
    sent = RepeatAttempt.objects.filter(attempt__in=[row.pk for row in rows], sent_at__isnull=False)
    latest = sent.order_by().values("attempt").annotate(at=Max("sent_at"))
    return {row["attempt"]: row["at"].timestamp() for row in latest}


def _what_was_named(repeat: RepeatAttempt | None) -> dict[str, Any]:
    if repeat is None or repeat.answered_at is None:
        return {}
    return {"named": number_of(repeat.upstream_id or ""), "named_at": repeat.answered_at.timestamp()}


def _bounds(provider: Provider) -> dict[int, tuple[int | None, int | None]]:
    """Return ``low`` and ``high`` of every attempt that may own an id, by attempt: one statement for all of them."""
    own = OwnId.objects.filter(provider=provider, number__isnull=False)
    settled = OuterRef("latest") + settle_time()
    repeats = RepeatAttempt.objects.filter(attempt=OuterRef("pk")).order_by().values("attempt")
    repeated = Subquery(repeats.annotate(at=Max("sent_at")).values("at"))
    low = own.filter(first_seen_at__lte=OuterRef("sent")).order_by("-number").values("number")[:1]
    # From the low one upwards: what grows is asked for first (A1), and the search ends at the first that fits.
    above = own.filter(attempt__sent_at__gte=settled, number__gt=Coalesce(OuterRef("low"), -1))
    rows = ForwardAttempt.objects.filter(may_own(), provider=provider)
    rows = rows.annotate(sent=Coalesce("sent_at", "claimed_at"), low=Subquery(low))
    rows = rows.annotate(latest=Greatest("sent", Coalesce(repeated, "sent")))
    rows = rows.annotate(high=Subquery(above.order_by("number").values("number")[:1]))
    return {pk: (least, most) for pk, least, most in rows.values_list("pk", "low", "high")}


def _standing_of(attempt: ForwardAttempt, restored_at: datetime | None) -> Standing:
    if "restored" in attempt.evidence:
        return Standing.RESTORED
    sent_at = attempt.sent_at or attempt.claimed_at
    if restored_at is not None and sent_at >= restored_at:
        # Orders of the lost time that nobody searched for have lower numbers than the first order placed after it. Only
        # once that one was known, ids of later sends lie apart from them.
        placed = OwnId.objects.filter(provider_id=attempt.provider_id, explained=Explanation.ATTEMPT)
        if not placed.filter(attempt__sent_at__gt=restored_at, first_seen_at__lte=sent_at).exists():
            return Standing.RESTORED
    if attempt.outcome == Outcome.SENDING:
        return Standing.SENDING
    if attempt.outcome == Outcome.NOT_PLACED:
        return Standing.SAID_NOT_PLACED
    by_order = {Forward.IN_DOUBT: Standing.IN_DOUBT, Forward.REVIEW: Standing.REVIEW}
    return by_order.get(Forward(attempt.order.forward_state), Standing.REFUNDED_OPEN)


def unnamed_tests(provider: Provider, now: datetime) -> Iterator[UncertainAttempt]:
    """Yield the sends of test orders whose number is unknown: an unknown id may be theirs, and none of them closes."""
    lately = RequestIdTest.objects.filter(provider=provider, first_sent_at__gte=now - _TESTS_REMEMBERED)
    known = OwnId.objects.filter(provider=provider, number__isnull=False)
    for test in lately:
        for place, sent_at in enumerate(test.unnamed):
            low = known.filter(first_seen_at__lte=sent_at).aggregate(low=Max("number"))["low"]
            later = known.filter(attempt__sent_at__gte=sent_at + settle_time(), number__gt=low or -1)
            high = later.order_by("number").values_list("number", flat=True).first()
            quantity = int(test.fields.get("quantity") or 1)
            key = -(2 * test.pk + place)
            yield UncertainAttempt(
                key, Standing.SENDING, sent_at.timestamp(), low, high, test.expected_charge, quantity
            )


def _price_readings(order: Order, rates: Iterable[RateReading]) -> tuple[PriceReading, ...]:
    """Return what the order would cost at each rate read since it was priced, oldest first.

    Equal readings in a row become one, of the last moment: the rules ask only what was read, and when last.
    """
    found: list[PriceReading] = []
    for reading in rates:
        if reading.at < order.created_at or order.external_service_id not in reading.rates:
            continue
        rate = reading.rates[order.external_service_id]
        charge = None if rate is None else provider_charge_for(Decimal(rate), order.total, order.unit)
        if found and found[-1].charge == charge:
            del found[-1]
        found.append(PriceReading(reading.at.timestamp(), charge))
    return tuple(found)
