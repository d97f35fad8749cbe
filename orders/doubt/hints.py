"""Evidence that needs no bracket: an id read in a spoiled answer, and the list of recent orders of a few panels."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Max, QuerySet

from catalog.models import Provider
from catalog.providers.connection import client_for
from orders import own_ids
from orders.doubt import conclude, late_charges, owners, planning
from orders.doubt.evidence import answer_of, may_own
from orders.doubt.missing_charges import has_its_quantity
from orders.doubt.parents import shape_of_order
from orders.doubt.picture import Picture, SeenId, Standing, UncertainAttempt
from orders.doubt.probing import Probe
from orders.forwarding.outcomes import is_ours_already
from orders.models import ForwardAttempt, Order, OwnId, RepeatAttempt
from orders.models.repeat import CONTRADICTED, named_by_repeats
from orders.states import Outcome, Shape
from upstream.errors import Unavailable
from upstream.messages import RecentOrder

#: How such a doubt was closed; the spelling is that of stored evidence.
NAMED_BY_ANSWER = "heard"
#: Candidates asked for, of one attempt.
_MOST = 3
_CLOCKS_DIFFER = timedelta(minutes=5)
_QUARTER = 900


def candidates_of(attempt: ForwardAttempt) -> list[str]:
    """Return the ids read in the spoiled answers to this very attempt and its repeats, the likeliest first."""
    late = attempt.evidence.get("late", {})
    found = [attempt.unconfirmed_id, *attempt.evidence.get("candidates", []), *late.get("candidates", [])]
    for repeated in attempt.repeats.values_list("evidence", flat=True):
        found += repeated.get("candidates", [])
    return [one for one in dict.fromkeys(found) if one]


def ask_for_candidates(probe: Probe, picture: Picture) -> int:
    """Ask for the candidates of each attempt in doubt, one by one; return how many doubts that closed.

    Raises ProbeStopped.
    """
    closed = 0
    pictured = {attempt.key: attempt for attempt in picture.attempts}
    for attempt in _in_doubt(probe.provider):
        known = pictured.get(attempt.pk)
        if known is not None and known.standing is Standing.NAMED:
            continue  # an answer that is not spoiled names a number: it is judged first
        for candidate in candidates_of(attempt)[:_MOST] if known else []:
            assert known is not None  # noqa: S101 - asked one line above
            if _is_its_own(probe, candidate, known, picture):
                closed += conclude.placed(attempt.pk, candidate, how=NAMED_BY_ANSWER, now=probe.clock.now())
                break
    return closed


def _is_its_own(probe: Probe, candidate: str, attempt: UncertainAttempt, picture: Picture) -> bool:
    """True if the candidate is ours, newer than the send, charged as expected, and of no other attempt.

    A panel that refuses because of an active order for the link may name that order: an earlier one, lost as well.
    """
    # 1. It belongs to no order of ours, and is no older than the send.
    if is_ours_already(probe.provider.pk, candidate):
        return False
    if named_by_repeats(probe.provider.pk, [candidate]).get(candidate, attempt.key) != attempt.key:
        return False
    number = own_ids.number_of(candidate)
    if number is not None and attempt.low is not None and number <= attempt.low:
        return False
    # 2. What does it say? An answer that names a charge decides; without one it is asked again, at growing pauses.
    row = OwnId.objects.filter(provider=probe.provider, upstream_id=candidate).first()
    if row is None or _is_to_ask(row, probe.clock.now()):
        late_charges.note_asked(probe, [candidate])
        try:
            item = probe.status(candidate)
        except Unavailable:
            return False
        late_charges.note_answer(probe, candidate, item)
        row = OwnId.objects.filter(provider=probe.provider, upstream_id=candidate).first()
    if row is None:
        return False
    # 3. It looks like this attempt's order, and no other send under way when the id was named could have created it.
    own = SeenId(number or 0, row.first_seen_at.timestamp(), answer_of(row))
    named_by = attempt.last_sent + settings.FORWARD_DEADLINE_SECONDS
    others = [a for a in picture.attempts if a.key != attempt.key and a.sent_at <= named_by]
    is_like_it = owners.looks_like(attempt, own, picture) or has_its_quantity(attempt, own)
    return is_like_it and not any(owners.may_own(a, own, picture) for a in others)


def _is_to_ask(row: OwnId, now: datetime) -> bool:
    """True if it is time to ask about a known id: nothing readable was answered yet, or no charge."""
    if row.answered_at is None or not late_charges.may_get_charge(row):
        return row.answered_at is None
    asked_at = row.asked_at.timestamp() if row.asked_at else None
    first_seen, settle = row.first_seen_at.timestamp(), settings.DOUBT_SETTLE_SECONDS
    return planning.is_due_again(first_seen, asked_at, now=now.timestamp(), settle=settle)


def look_in_recent_orders(provider: Provider, *, now: datetime) -> int:
    """Close each doubt whose order is in the provider's list of recent orders; return how many that closed.

    An attempt is called placed if exactly one row without an order can be its own, and of no other attempt. A list
    without such a row proves nothing.
    """
    if not provider.can_list_orders or not _in_doubt(provider).exists():
        return 0
    try:
        rows = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).recent_orders()
    except Unavailable:
        return 0
    # Read after the list: an equal order that was being sent while it traveled may be the one it shows.
    named = named_by_repeats(provider.pk, [row.order_id for row in rows])
    rivals = list(ForwardAttempt.objects.filter(may_own(), provider=provider).select_related("order").order_by("id"))
    closed = 0
    for attempt in [one for one in rivals if one.outcome == Outcome.IN_DOUBT and "restored" not in one.evidence]:
        twins = [other for other in rivals if is_twin(other.order, attempt.order)]
        # An id known before the send, or below one that was, was given away earlier.
        before = OwnId.objects.filter(provider=provider, first_seen_at__lte=attempt.sent_at)
        found = [row for row in rows if is_row_of(row, attempt) and not is_ours_already(provider.pk, row.order_id)]
        found = [row for row in found if named.get(row.order_id, attempt.pk) == attempt.pk]
        found = [row for row in found if not before.filter(upstream_id=row.order_id).exists()]
        if provider.ids_grow:
            newest = before.aggregate(newest=Max("number"))["newest"] or 0
            found = [row for row in found if (n := own_ids.number_of(row.order_id)) is None or n >= newest]
        if len(found) == 1 and len(twins) == 1:
            listed = {"date": found[0].date, "charge": str(found[0].charge)}
            closed += conclude.placed(attempt.pk, found[0].order_id, how="listed", now=now, listed=listed)
    return closed


def is_twin(one: Order, other: Order) -> bool:
    """True if a row of the provider's list could be either order: the same service, link and quantity."""
    wanted = ("external_service_id", "link", "total")
    return all(getattr(one, name) == getattr(other, name) for name in wanted)


def is_row_of(row: RecentOrder, attempt: ForwardAttempt) -> bool:
    """True for the same service, link, quantity and time. Parents never match: panels show their quantity in many ways.

    Panels write their local time without naming it, so times are compared modulo a quarter of an hour: all zones differ
    by whole quarters, and by 14 hours at most.
    """
    order = attempt.order
    if shape_of_order(order) is not Shape.PLAIN or attempt.sent_at is None:
        return False
    if (row.service, row.link, row.quantity) != (order.external_service_id, order.link, order.total):
        return False
    try:
        listed = datetime.strptime(row.date[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    apart = (listed - attempt.sent_at).total_seconds()
    zone = round(apart / _QUARTER) * _QUARTER
    return abs(zone) <= 14 * 3600 and abs(timedelta(seconds=apart - zone)) <= _CLOCKS_DIFFER


def _in_doubt(provider: Provider) -> QuerySet[ForwardAttempt]:
    """Return the attempts in doubt, the oldest first, without those that came back with a dump or are contradicted."""
    doubts = ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.IN_DOUBT)
    doubts = doubts.exclude(pk__in=RepeatAttempt.objects.filter(CONTRADICTED, provider=provider).values("attempt"))
    return doubts.exclude(evidence__has_key="restored").order_by("id")
