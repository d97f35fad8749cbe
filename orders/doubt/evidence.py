"""From rows to a picture that the rules can judge."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Greatest

from catalog.models import Provider, ProviderService
from catalog.pricing import provider_charge_for
from orders.doubt.decimals import shown_decimals
from orders.doubt.intervals import first_looks, settle_time
from orders.doubt.missing_charges import shows_quantity
from orders.doubt.picture import (
    FirstAnswer,
    Parent,
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
from orders.models.order import PARENTS, SUBSCRIPTIONS
from orders.models.repeat import CONTRADICTED, named_by_repeats, unjudged
from orders.own_ids import number_of
from orders.states import Explanation, Forward, Outcome, Progress, Shape

#: Status calls for one doubt in one search.
CALLS_PER_DOUBT = 20
#: How far back unexplained ids and ended parents still matter.
_REMEMBERED = timedelta(hours=48)
#: Longer than any doubt waits for a person.
_TESTS_REMEMBERED = timedelta(days=60)
#: From how many orders the decimals of a provider's charges are learned, and among how many of its newest ids they are
#: looked for: a provider that names no charge has none among all its orders.
_LEARN_FROM, _LOOKED_THROUGH = 200, 2000
#: So many pending orders have to show what ``remains`` means.
_FEW = 3
_RUNNING = (Progress.PENDING, Progress.PROCESSING, Progress.IN_PROGRESS)


def times() -> Times:
    """The times that the rules use, from the settings."""
    return Times(
        settle_time().total_seconds(),
        settings.DOUBT_REVIEW_SECONDS,
        settings.PROBE_PASS_GAP_SECONDS,
        first_looks(),
    )


def ids_per_call(provider: Provider) -> int:
    """How many unknown ids fit in one call together with its two controls."""
    return max(1, min(provider.batch_size, 100) - 2)


def may_own() -> Q:
    """Attempts whose request the provider may have carried out without our knowing the id."""
    undecided = Q(outcome__in=[Outcome.IN_DOUBT, Outcome.SENDING])
    return undecided | Q(outcome=Outcome.NOT_PLACED, decided_by__isnull=False)


def picture_of(provider: Provider, *, now: datetime) -> Picture:
    """Everything known about this provider's doubts at ``now``. An attempt's key is its row's id."""
    # 1. Attempts are read before ids: one that is recorded in between then counts as a possible owner of an id that is
    #    explained already, and never is an id left without the attempt that placed it.
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
        parents=_parents(provider, rows, now),
        passes=searched,
        times=times(),
        widest=CALLS_PER_DOUBT * ids_per_call(provider),
        drip_shapes=drip_shapes,
        remains_are_reliable=any(map(shows_quantity, ids)) and remains_are_reliable(provider),
    )


def answer_of(own: OwnId) -> FirstAnswer | None:
    """The answer that is kept about an id, None while none could be read."""
    if own.answered_at is None:
        return None
    return FirstAnswer(own.state, own.charge, Shape(own.shape), own.runs, own.remains)


def newest_own_id(provider: Provider) -> int | None:
    """The greatest number that is ours at this provider, None before the first."""
    return OwnId.objects.filter(provider=provider).aggregate(newest=Max("number"))["newest"]


def learn_decimals(provider: Provider) -> int:
    """The decimals this provider shows, from the latest attached orders that are still charged whole."""
    newest = OwnId.objects.filter(provider=provider).order_by("-number").values_list("attempt__order", flat=True)
    whole = Order.objects.filter(pk__in=newest[:_LOOKED_THROUGH], provider_charge__gt=0, expected_charge__gt=0)
    whole = whole.exclude(progress__in=[Progress.PARTIAL, Progress.CANCELED, Progress.REFUNDED, Progress.FAILED])
    charges = whole.order_by("-id").values_list("provider_charge", "expected_charge")[:_LEARN_FROM]
    return shown_decimals((charge, expected) for charge, expected in charges if charge is not None)


def remains_are_reliable(provider: Provider) -> bool:
    """Whether this provider's ``remains`` show how much was ordered, by its latest answers about running orders.

    None may say more than was ordered, and pending ones have to say exactly that; a few of those have to be known, of
    more than one quantity.
    """
    newest = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT, number__isnull=False)
    plain = newest.filter(attempt__order__runs=None).exclude(attempt__order__service_type=SUBSCRIPTIONS)
    names = ("attempt__order__progress", "attempt__order__remains", "attempt__order__total")
    rows = list(plain.order_by("-number").values_list(*names)[:_LEARN_FROM])
    pending = [(remains, total) for progress, remains, total in rows if progress == Progress.PENDING]
    running = [(remains, total) for progress, remains, total in rows if progress in _RUNNING and remains is not None]
    is_never_more = all(remains <= total for remains, total in running)
    is_whole = all(remains == total for remains, total in pending) and len({total for _remains, total in pending}) > 1
    return is_never_more and is_whole and len(pending) >= _FEW


def shape_of_order(order: Order) -> Shape:
    """How an answer about this order may look."""
    if order.service_type == SUBSCRIPTIONS:
        return Shape.SUBSCRIPTION
    return Shape.DRIP if order.runs else Shape.PLAIN


def _attempts(
    provider: Provider, rows: list[ForwardAttempt], named: dict[int, RepeatAttempt]
) -> tuple[UncertainAttempt, ...]:
    """The pictures of these rows, with the rates read and the restores made since."""
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
    """When the last repeat of each attempt left."""
    sent = RepeatAttempt.objects.filter(attempt__in=[row.pk for row in rows], sent_at__isnull=False)
    latest = sent.order_by().values("attempt").annotate(at=Max("sent_at"))
    return {row["attempt"]: row["at"].timestamp() for row in latest}


def _what_was_named(repeat: RepeatAttempt | None) -> dict[str, Any]:
    if repeat is None or repeat.answered_at is None:
        return {}
    return {"named": number_of(repeat.upstream_id or ""), "named_at": repeat.answered_at.timestamp()}


def _bounds(provider: Provider) -> dict[int, tuple[int | None, int | None]]:
    """Read ``low`` and ``high`` of every attempt that may own an id, by attempt: one statement for all of them."""
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
    """What the order would cost at each rate read since it was priced, oldest first.

    Equal readings in a row become one, of the last moment: the rules ask what was read, and when last.
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


def _parents(provider: Provider, rows: list[ForwardAttempt], now: datetime) -> tuple[Parent, ...]:
    """The parents in doubt among ``rows``, then the attached ones that are open or ended lately: runs may come late."""
    in_doubt = [row for row in rows if row.outcome != Outcome.NOT_PLACED and is_parent(row.order)]
    parents = [Parent(a.pk, (a.sent_at or a.claimed_at).timestamp(), *charges_of_runs(a.order)) for a in in_doubt]
    open_ones = Q(finished_at=None) | Q(finished_at__gte=now - _REMEMBERED)
    orders = list(Order.objects.filter(PARENTS, open_ones, provider=provider).values_list("pk", flat=True))
    placed = ForwardAttempt.objects.filter(order__in=orders, outcome=Outcome.PLACED).select_related("order")
    lists_children = OwnId.objects.filter(provider=provider, explained=Explanation.CHILD).exists()
    for attempt in placed:
        order, polled_at = attempt.order, attempt.order.answered_at if lists_children else None
        known = OwnId.objects.filter(parent=order).count() if order.runs else 0
        parent = Parent(
            attempt.pk,
            (attempt.sent_at or attempt.claimed_at).timestamp(),
            *charges_of_runs(order),
            number=number_of(attempt.upstream_id or ""),
            polled_at=polled_at.timestamp() if polled_at else None,
            is_complete=bool(order.runs) and known >= (order.runs or 0),
        )
        parents.append(parent)
    return tuple(parents)


def is_parent(order: Order) -> bool:
    """True for a drip-feed or a subscription, whose runs appear as orders of their own."""
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
