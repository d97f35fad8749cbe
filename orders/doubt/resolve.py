"""The resolver: gather evidence about each provider's doubts, judge it, and carry out the verdicts."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from catalog.models import Provider
from core.clock import SteadyClock, elapsed_clock
from core.secrets import SecretUnreadable
from notices.containment import contained
from orders import freezing
from orders.doubt import (
    bracket,
    calibration,
    conclude,
    hints,
    late,
    late_charges,
    named_numbers,
    orphan_search,
    planning,
    probing,
    rates,
)
from orders.doubt.evidence import newest_own_id, picture_of, times
from orders.doubt.intervals import look_pause
from orders.doubt.picture import (
    AskOwner,
    Contradiction,
    Picture,
    ProvenNotPlaced,
    ProvenPlaced,
    Standing,
    Verdict,
    as_datetime,
)
from orders.forwarding import outcomes
from orders.models import ForwardAttempt, Order, ProbeSchedule
from orders.states import Forward, Outcome

log = logging.getLogger(__name__)

#: Asking for the price list, which may follow, must still fit in a task.
RUN_SECONDS = 30.0


def is_due(*, now: datetime) -> bool:
    """True if a resolver has something to do at some provider."""
    return _with_work(now).exists() and not freezing.is_frozen()


def resolve_due(*, now: datetime, seconds: float = RUN_SECONDS) -> int:
    """Work on the doubts of every provider whose turn it is, for about ``seconds``; return how many were closed."""
    clock, closed = SteadyClock(now), 0
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
                is_urgent = Order.objects.filter(provider=provider, forward_state=Forward.IN_DOUBT).exists()
                next_at = clock.now() + look_pause(is_urgent=is_urgent)
                ProbeSchedule.objects.filter(pk=schedule.pk).update(claimed_until=None, next_at=next_at)
    return closed


def resolve_provider(provider: Provider, schedule: ProbeSchedule, *, clock: SteadyClock, until: float) -> int:
    """One round for one provider: gather evidence, then judge it; return how many doubts were closed."""
    before, picture = _open_doubts(provider), None
    late.read_late_answers(provider, now=clock.now())
    probe = probing.Probe(provider, clock, until)
    try:
        calibration.calibrate(probe, schedule)
        picture = _gather(probe, schedule)
    except probing.ProbeStopped as reason:
        log.info("the search at provider %s stopped: %s", provider.pk, reason)
    except probing.ForeignIdsShown:
        calibration.note_foreign_ids_shown(provider, now=clock.now())
    if named_numbers.judge_all(provider, clock=clock):
        picture = None
    _judge(provider, clock, picture)
    return before - _open_doubts(provider)


def _gather(probe: probing.Probe, schedule: ProbeSchedule) -> Picture | None:
    """Ask the provider for whatever may show what a lost send did. Raises ProbeStopped and ForeignIdsShown.

    Returns the picture that it worked with if nothing was learned since, else None: a picture takes many queries.
    """
    provider, clock = probe.provider, probe.clock
    picture, calls = picture_of(provider, now=clock.now()), probe.calls
    # 1. What needs no bracket: ids read in spoiled answers, and the list of recent orders.
    if picture.attempts:
        closed = hints.ask_for_candidates(probe, picture) + hints.look_in_recent_orders(provider, now=clock.now())
        if closed or probe.calls > calls:
            picture = picture_of(provider, now=clock.now())
    if not calibration.is_usable(provider):
        return picture
    # 2. Known ids with an unknown charge: in few calls, and before a search that may use up the time.
    if waiting := planning.to_ask_again(picture):
        late_charges.ask_again(probe, [str(number) for number in waiting])
        picture = picture_of(provider, now=clock.now())
    # 3. The ids between our own. Open parents are polled first, so that their runs are listed as ours.
    calls, newest = probe.calls, newest_own_id(provider)
    ranges = planning.wanted(picture, newest)
    if ranges and newest is not None:
        parents = Order.objects.filter(provider=provider, forward_state=Forward.PLACED, finished_at=None)
        parents.filter(runs__isnull=False, next_poll_at__gt=clock.now()).update(next_poll_at=clock.now())
        probing.search(probe, ranges, newest=newest)
    elif provider.is_active:
        orphan_search.scan_if_due(probe, schedule)
    # 4. The rates, in case an unknown id is an order of ours at a price that moved.
    may_read = _open_doubts(provider) and elapsed_clock() < probe.until
    is_read = may_read and rates.read_if_needed(provider, clock=clock)
    # A pass counts even where no call was needed for it.
    return None if ranges or is_read or probe.calls > calls else picture


def _judge(provider: Provider, clock: SteadyClock, picture: Picture | None) -> None:
    """Carry out the verdicts in the order in which they were reached: a later one may rest on an earlier one."""
    picture = picture or picture_of(provider, now=clock.now())
    settle, is_usable = times().settle, calibration.is_usable(provider)
    if not is_usable:
        # Ids prove nothing here: other evidence has until T_settle, then the owner is asked. Where that could not be
        # measured yet because the provider is away, ids may still turn out to be usable, so the owner is asked later.
        is_unknown = calibration.is_measurable(provider) and provider.ids_grow is not False
        is_unknown = is_unknown and provider.foreign_ids_refused is None
        patience = settle + (times().review if is_unknown else 0)
        waiting, reason = {Standing.IN_DOUBT, Standing.RESTORED}, "unprovable"
    else:
        patience, waiting, reason = settle, {Standing.RESTORED}, "restored"
    for attempt in picture.attempts:
        if attempt.standing in waiting and picture.now >= attempt.last_sent + patience:
            conclude.to_review(attempt.key, reason=reason, now=clock.now())
    if not is_usable:
        return
    for verdict in bracket.judge(picture):
        if not _carry_out(verdict, picture, clock.now()):
            return  # the rows have moved on; the next round sees them


def _carry_out(verdict: Verdict, picture: Picture, now: datetime) -> bool:
    """Record one verdict with its proof; False if its doubt was closed meanwhile."""
    match verdict:
        case ProvenPlaced(key, number):
            attempt = next(a for a in picture.attempts if a.key == key)
            own = next(o for o in picture.ids if o.number == number)
            charge = None if own.answer is None or own.answer.charge is None else str(own.answer.charge)
            first_seen = as_datetime(own.first_seen).isoformat()
            proof: dict[str, Any] = {"low": attempt.low, "high": attempt.high, "id": number}
            proof |= {"first_seen": first_seen, "charge": charge, "remains": own.answer and own.answer.remains}
            return conclude.placed(key, str(number), how="bracket", now=now, bracket=proof)
        case ProvenNotPlaced(key, low, high, first, second, excused):
            passes = [
                {
                    "pass": one.key,
                    "started": as_datetime(one.started).isoformat(),
                    "finished": as_datetime(one.finished).isoformat(),
                }
                for one in (first, second)
            ]
            proof = {"low": low, "high": high, "passes": passes, "excused": list(excused)}
            return conclude.not_placed(key, how="bracket", now=now, bracket=proof)
        case AskOwner(key, reason):
            conclude.to_review(key, reason=reason, now=now)
        case Contradiction(key, number):
            outcomes.alert_contradiction(key, str(number), now=now)
    return True


# Whose turn it is.


def _with_work(now: datetime) -> QuerySet[Provider]:
    """Return the providers whose turn it is, with an open doubt, an unread answer, or a scan or a calibration due.

    The one that has waited longest comes first: one that answers slowly uses up a whole round, and would be due again
    before the next.
    """
    taken = ProbeSchedule.objects.filter(_is_taken(now)).values("provider")
    doubtful = ForwardAttempt.objects.filter(outcome=Outcome.IN_DOUBT).values("provider")
    at_rest = ProbeSchedule.objects.filter(next_scan_at__gt=now).values("provider")
    # A unique index answers this at once; only what was placed has an id.
    sold = Exists(ForwardAttempt.objects.filter(provider=OuterRef("pk"), upstream_id__isnull=False))
    answered_late = late.unread().values("provider")
    scannable = Q(is_active=True, probing_enabled=True, parked_at=None) & Q(sold) & ~Q(pk__in=at_rest)
    has_work = Q(pk__in=doubtful) | Q(pk__in=answered_late) | scannable
    next_at = ProbeSchedule.objects.filter(provider=OuterRef("pk")).values("next_at")
    providers = Provider.objects.filter(has_work).exclude(pk__in=taken).annotate(next_look=Subquery(next_at))
    return providers.order_by(F("next_look").asc(nulls_first=True), "pk")


def _is_taken(now: datetime) -> Q:
    """Return the condition of providers at which a resolver is at work, or the next look is not due."""
    return Q(claimed_until__gt=now) | Q(next_at__gt=now)


def _claim(provider: Provider, *, now: datetime, seconds: float) -> ProbeSchedule | None:
    """Lock the provider for one resolver; None while another one works there or the next look is not due."""
    until = now + timedelta(seconds=seconds + settings.SYNC_DEADLINE_SECONDS + settings.READ_DEADLINE_SECONDS)
    free = ProbeSchedule.objects.exclude(_is_taken(now)).filter(provider=provider)
    with transaction.atomic():
        schedule = free.select_for_update(skip_locked=True).first()
        if schedule is None and ProbeSchedule.objects.get_or_create(provider=provider)[1]:
            schedule = free.select_for_update(skip_locked=True).first()
        if schedule is not None:
            ProbeSchedule.objects.filter(pk=schedule.pk).update(claimed_until=until)
    return schedule


def _open_doubts(provider: Provider) -> int:
    return ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.IN_DOUBT).count()
