"""Evidence that needs no bracket: an id heard in a spoiled answer, and the list of recent orders of a few panels."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from catalog.models import Provider
from catalog.providers.connection import client_for
from orders import own_ids
from orders.doubt import bracket, conclude, probing
from orders.doubt.clock import seconds
from orders.doubt.evidence import may_own, shape_of_order
from orders.doubt.picture import Answer as FirstAnswer
from orders.doubt.picture import Attempt, OwnId, Picture
from orders.forwarding.outcomes import is_ours_already
from orders.models import ForwardAttempt, Order
from orders.models import OwnId as OwnIdRow
from orders.states import Outcome, Shape
from upstream.errors import Unavailable
from upstream.messages import OrderStatus, RecentOrder

_CLOCKS_DIFFER = timedelta(minutes=5)
_QUARTER = 900


def candidates_of(attempt: ForwardAttempt) -> list[str]:
    """Ids heard in the spoiled answer to this very attempt, the likeliest first."""
    late = attempt.evidence.get("late", {})
    heard = [attempt.unconfirmed_id, *attempt.evidence.get("candidates", []), *late.get("candidates", [])]
    return [one for one in dict.fromkeys(heard) if one]


def ask_for_heard(this: probing.Search, picture: Picture) -> int:
    """Ask for the ids that attempts in doubt have heard, each by itself; how many doubts that closed."""
    closed = 0
    for attempt in _in_doubt(this.provider):
        known = next((a for a in picture.attempts if a.key == attempt.pk), None)
        for candidate in candidates_of(attempt)[:3] if known else []:
            assert known is not None  # noqa: S101 - asked one line above
            if _proves_itself(this, candidate, known, picture):
                closed += conclude.placed(attempt.pk, candidate, how="heard", now=this.clock.now())
                break
    return closed


def _proves_itself(this: probing.Search, candidate: str, attempt: Attempt, picture: Picture) -> bool:
    """Own, issued after the send, charged as we expect, and nobody's: placed by no order, and by no other doubt either.

    A panel that refuses because of an active order for the link may name that order: an earlier one, lost as well.
    """
    if is_ours_already(this.provider.pk, candidate):
        return False
    number = own_ids.number_of(candidate)
    if number is not None and attempt.low is not None and number <= attempt.low:
        return False
    seen_at = this.clock.now()
    if (known := _answered(this.provider, candidate)) is not None:
        answer = known  # the first answer is what tells; to ask again would only cost calls
    else:
        item = probing.call_one(this, candidate)
        if not isinstance(item, OrderStatus):
            return False
        heard = own_ids.first_answer(item)
        answer = FirstAnswer(heard["state"], heard["charge"], Shape(heard["shape"]), heard["runs"], heard["remains"])
        seen_at = this.clock.now()
        own_ids.note_seen(this.provider.pk, candidate, item, now=seen_at)
    own = OwnId(number or 0, seconds(seen_at), answer)
    return bracket.looks_like(attempt, own, picture) and not _may_be_anothers(own, attempt, picture)


def _may_be_anothers(own: OwnId, attempt: Attempt, picture: Picture) -> bool:
    """Whether a send that had begun when the id was heard may have placed it."""
    heard_by = attempt.sent_at + settings.FORWARD_DEADLINE_SECONDS
    others = (a for a in picture.attempts if a.key != attempt.key and a.sent_at <= heard_by)
    return any(bracket.can_own(other, own, picture) for other in others)


def _answered(provider: Provider, candidate: str) -> FirstAnswer | None:
    """The first answer about an id, if it names a charge; another one may still come to do so."""
    row = OwnIdRow.objects.filter(provider=provider, upstream_id=candidate, charge__isnull=False).first()
    return None if row is None else FirstAnswer(row.state, row.charge, Shape(row.shape), row.runs, row.remains)


def look_in_recent_orders(provider: Provider, *, now: datetime) -> int:
    """Where the provider lists recent orders, one unattached row that can only be ours means placed.

    A list without it proves nothing. How many doubts that closed.
    """
    if not provider.can_list_orders or not _in_doubt(provider).exists():
        return 0
    try:
        rows = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).recent_orders()
    except Unavailable:
        return 0
    # Asked only now: an equal order that was being sent while the list travelled may be the one it shows.
    rivals = list(ForwardAttempt.objects.filter(may_own(), provider=provider).select_related("order").order_by("id"))
    closed = 0
    for attempt in [one for one in rivals if one.outcome == Outcome.IN_DOUBT and "restored" not in one.evidence]:
        twins = [other for other in rivals if is_twin(other.order, attempt.order)]
        found = [row for row in rows if is_row_of(row, attempt) and not is_ours_already(provider.pk, row.order_id)]
        found = [row for row in found if not _is_older(provider, row.order_id, attempt)]
        if len(found) == 1 and len(twins) == 1:
            listed = {"date": found[0].date, "charge": str(found[0].charge)}
            closed += conclude.placed(attempt.pk, found[0].order_id, how="listed", now=now, listed=listed)
    return closed


def _is_older(provider: Provider, upstream_id: str, attempt: ForwardAttempt) -> bool:
    """Whether the id was given away before the attempt was sent: known by then, or below one that was."""
    before = OwnIdRow.objects.filter(provider=provider, first_seen_at__lte=attempt.sent_at)
    if before.filter(upstream_id=upstream_id).exists():
        return True
    number = own_ids.number_of(upstream_id)
    return bool(number is not None and provider.ids_grow and before.filter(number__gt=number).exists())


def is_twin(one: Order, other: Order) -> bool:
    wanted = ("external_service_id", "link", "total")
    return all(getattr(one, name) == getattr(other, name) for name in wanted)


def is_row_of(row: RecentOrder, attempt: ForwardAttempt) -> bool:
    """The same service, link, quantity and time; a parent's quantity is shown in too many ways to be compared."""
    order = attempt.order
    if shape_of_order(order) is not Shape.PLAIN or attempt.sent_at is None:
        return False
    same = (row.service, row.link, row.quantity) == (order.external_service_id, order.link, order.total)
    return same and _is_time_of(row.date, attempt.sent_at)


def _is_time_of(date: str, sent_at: datetime) -> bool:
    """Panels write their own local time without naming it; zones differ by whole quarters of an hour."""
    try:
        listed = datetime.strptime(date[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    apart = (listed - sent_at).total_seconds()
    zone = round(apart / _QUARTER) * _QUARTER
    late = timedelta(seconds=apart - zone)
    return abs(zone) <= 14 * 3600 and abs(late) <= _CLOCKS_DIFFER


def _in_doubt(provider: Provider) -> QuerySet[ForwardAttempt]:
    doubts = ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.IN_DOUBT)
    return doubts.exclude(evidence__has_key="restored").order_by("id")
