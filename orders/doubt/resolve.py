"""The resolver: gather evidence about each provider's doubts, judge it, and do what it says."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from catalog.models import Provider
from core.clock import elapsed_clock
from core.secrets import SecretUnreadable
from notices.containment import contained
from orders import freezing
from orders.doubt import bracket, calibration, conclude, hints, late, orphan_search, planning, probing, rates
from orders.doubt.clock import Clock, moment
from orders.doubt.evidence import newest_own_id, picture_of, times
from orders.doubt.intervals import look_pause
from orders.doubt.picture import AskOwner, Contradiction, NotPlaced, Picture, Placed, Standing, Verdict
from orders.forwarding import outcomes
from orders.models import ForwardAttempt, Order, ProbeSchedule
from orders.states import Forward, Outcome

log = logging.getLogger(__name__)

#: Asking for the price list, which may follow, must still fit in a task.
RUN_SECONDS = 30.0
#: Parts of T_settle: 30 s by default while something is in doubt, 5 min while only the owner is waited for.


def is_due(*, now: datetime) -> bool:
    """Whether a resolver has something to do at some provider."""
    return any(_schedule_is_free(provider, now) for provider in _with_work(now)) and not freezing.is_frozen()


def resolve_due(*, now: datetime, seconds: float = RUN_SECONDS) -> int:
    """Work on the doubts of every provider whose turn it is, for about so many seconds; how many were closed."""
    clock, closed = Clock(now), 0
    if freezing.is_frozen():
        return 0  # what came back from a dump says too little to judge by
    until = elapsed_clock() + seconds
    for provider in _with_work(now):
        if elapsed_clock() >= until:
            break
        schedule = _claim(provider, now=clock.now(), seconds=seconds)
        if schedule is None:
            continue
        with contained(f"resolving the doubts at provider {provider.pk}"):
            try:
                closed += resolve_provider(provider, schedule, clock=clock, until=until)
            except SecretUnreadable as problem:
                log.warning("the doubts at %s wait: %s", provider.pk, problem)
            finally:
                _release(schedule, now=clock.now())
    return closed


def resolve_provider(provider: Provider, schedule: ProbeSchedule, *, clock: Clock, until: float) -> int:
    """One round for one provider: stored answers, heard ids, listed orders, then the search; how many were closed."""
    before = _open_doubts(provider)
    late.read_late_answers(provider, now=clock.now())
    this = probing.Search(provider, clock, until)
    try:
        calibration.calibrate(this, schedule)
        _gather(this, schedule)
    except probing.Stopped as reason:
        log.info("the search at provider %s stopped: %s", provider.pk, reason)
    except probing.ForeignIdsShown:
        calibration.watch_failed(provider, now=clock.now())
    _judge(provider, clock)
    return before - _open_doubts(provider)


def _gather(this: probing.Search, schedule: ProbeSchedule) -> None:
    provider, clock = this.provider, this.clock
    if _open_doubts(provider):
        hints.ask_for_heard(this, picture_of(provider, now=clock.now()))
        hints.look_in_recent_orders(provider, now=clock.now())
    if not calibration.is_usable(provider):
        return
    ranges = planning.wanted(picture_of(provider, now=clock.now()), newest_own_id(provider))
    newest = newest_own_id(provider)
    if ranges and newest is not None:
        _poll_parents(provider, clock.now())
        probing.search(this, ranges, newest=newest)
    elif provider.is_active:
        orphan_search.scan_if_due(this, schedule)
    if _open_doubts(provider) and elapsed_clock() < this.until:
        rates.read_if_needed(provider, clock=clock)


def _poll_parents(provider: Provider, now: datetime) -> None:
    """Their runs are ids of ours, too: have them listed before somebody wonders whose they are."""
    parents = Order.objects.filter(provider=provider, forward_state=Forward.PLACED, finished_at=None)
    parents.filter(runs__isnull=False, next_poll_at__gt=now).update(next_poll_at=now)


def _judge(provider: Provider, clock: Clock) -> None:
    """Apply verdicts in the order in which they were reached: a later one may rest on an earlier one."""
    picture = picture_of(provider, now=clock.now())
    if not calibration.is_usable(provider):
        _hand_over(provider, picture, clock)
        return
    _hand_over_restored(picture, clock)
    for verdict in bracket.judge(picture):
        if not _apply(verdict, picture, clock.now()):
            return  # the rows have moved on; the next round sees them


def _apply(verdict: Verdict, picture: Picture, now: datetime) -> bool:
    match verdict:
        case Placed(attempt, number):
            return conclude.placed(attempt, str(number), how="bracket", now=now, bracket=_found_in(verdict, picture))
        case NotPlaced(attempt):
            return conclude.not_placed(attempt, how="bracket", now=now, bracket=_searched(verdict))
        case AskOwner(attempt, reason):
            conclude.to_review(attempt, reason=reason, now=now)
        case Contradiction(attempt, number):
            outcomes.alert_contradiction(attempt, str(number), now=now)
    return True


def _hand_over(provider: Provider, picture: Picture, clock: Clock) -> None:
    """Where ids prove nothing: other evidence has until T_settle, then the owner is asked.

    Where that was not measured yet, because the provider is away, it may still turn out well.
    """
    is_unknown = calibration.is_measurable(provider) and provider.ids_grow is not False
    is_unknown = is_unknown and provider.foreign_ids_refused is None
    settle = times().settle + (times().review if is_unknown else 0)
    for attempt in picture.attempts:
        if attempt.standing in (Standing.IN_DOUBT, Standing.RESTORED) and picture.now >= attempt.sent_at + settle:
            conclude.to_review(attempt.key, reason="unprovable", now=clock.now())


def _hand_over_restored(picture: Picture, clock: Clock) -> None:
    for attempt in picture.attempts:
        if attempt.standing is Standing.RESTORED and picture.now >= attempt.sent_at + times().settle:
            conclude.to_review(attempt.key, reason="restored", now=clock.now())


def _found_in(verdict: Placed, picture: Picture) -> dict[str, Any]:
    attempt = next(a for a in picture.attempts if a.key == verdict.attempt)
    own = next(o for o in picture.ids if o.number == verdict.number)
    charge = None if own.answer is None or own.answer.charge is None else str(own.answer.charge)
    seen = moment(own.first_seen).isoformat()
    return {"low": attempt.low, "high": attempt.high, "id": own.number, "first_seen": seen, "charge": charge}


def _searched(verdict: NotPlaced) -> dict[str, Any]:
    passes = [
        {"pass": p.key, "started": moment(p.started).isoformat(), "finished": moment(p.finished).isoformat()}
        for p in (verdict.first, verdict.second)
    ]
    return {"low": verdict.low, "high": verdict.high, "passes": passes, "excused": list(verdict.excused)}


# Whose turn it is.


def _with_work(now: datetime) -> list[Provider]:
    """Providers with an open doubt, an unread answer, or a scan or a calibration due: first who has waited longest.

    One that answers slowly uses up a whole round, and would be due again before the next.
    """
    doubtful = ForwardAttempt.objects.filter(outcome=Outcome.IN_DOUBT).values("provider")
    at_rest = ProbeSchedule.objects.filter(next_scan_at__gt=now).values("provider")
    sold = ForwardAttempt.objects.filter(outcome=Outcome.PLACED).values("provider")
    told_late = late.unread().values("provider")
    scannable = Q(is_active=True, probing_enabled=True, parked_at=None, pk__in=sold) & ~Q(pk__in=at_rest)
    looked = ProbeSchedule.objects.filter(provider=OuterRef("pk")).values("next_at")
    has_work = Q(pk__in=doubtful) | Q(pk__in=told_late) | scannable
    providers = Provider.objects.filter(has_work).annotate(next_look=Subquery(looked))
    return list(providers.order_by(F("next_look").asc(nulls_first=True), "pk"))


def _schedule_is_free(provider: Provider, now: datetime) -> bool:
    return not ProbeSchedule.objects.filter(_taken(now), provider=provider).exists()


def _taken(now: datetime) -> Q:
    return Q(claimed_until__gt=now) | Q(next_at__gt=now)


def _claim(provider: Provider, *, now: datetime, seconds: float) -> ProbeSchedule | None:
    """The provider's schedule for one resolver, or None while another one sits there or the next look is not due."""
    until = now + timedelta(seconds=seconds + settings.SYNC_DEADLINE_SECONDS + settings.READ_DEADLINE_SECONDS)
    with transaction.atomic():
        ProbeSchedule.objects.get_or_create(provider=provider)
        schedule = ProbeSchedule.objects.select_for_update(skip_locked=True).filter(provider=provider).first()
        if schedule is None or ProbeSchedule.objects.filter(_taken(now), pk=schedule.pk).exists():
            return None
        ProbeSchedule.objects.filter(pk=schedule.pk).update(claimed_until=until)
    return schedule


def _release(schedule: ProbeSchedule, *, now: datetime) -> None:
    is_urgent = Order.objects.filter(provider_id=schedule.provider_id, forward_state=Forward.IN_DOUBT).exists()
    ProbeSchedule.objects.filter(pk=schedule.pk).update(
        claimed_until=None, next_at=now + look_pause(is_urgent=is_urgent)
    )


def _open_doubts(provider: Provider) -> int:
    return ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.IN_DOUBT).count()
