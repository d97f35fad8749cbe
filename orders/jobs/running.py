"""Do what jobs ask for, one object after the other.

An object is claimed in one transaction, and done and recorded in another. A worker that dies in between leaves a
lease, and once that is over another one begins anew: what the dead one did is rolled back, or recorded.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.languages import mail_language
from core.clock import database_now, elapsed_clock
from core.refusals import Refusal
from notices.containment import contained
from orders.jobs.kinds import kind_of
from orders.models import FROZEN, Job, JobItem
from orders.states import JOB_ITEM_OPEN, JobItemState, JobState

RUN_SECONDS = 30.0
#: How long a claim counts. Longer than any object takes, and short enough to wait for after a kill.
LEASE = timedelta(seconds=30)
#: An object that has failed so often, or at which so many workers died, is not tried again.
MOST_TRIES = 3
#: Objects of one job before it is the next person's turn.
_TURN = 20


def due(now: datetime) -> QuerySet[Job]:
    """Return the jobs that have an object to claim; none while the shop is frozen."""
    return Job.objects.filter(~FROZEN, state=JobState.RUNNING).filter(
        pk__in=JobItem.objects.filter(_claimable(now), job__state=JobState.RUNNING).values("job")
    )


def run_due(*, seconds: float = RUN_SECONDS) -> int:
    """Work on the running jobs in turns for about ``seconds``; return how many objects got a result."""
    until = elapsed_clock() + seconds
    finished = 0
    while elapsed_clock() < until:
        served = set[tuple[int | None, int | None]]()
        for job in due(database_now()).select_related("customer", "staff").order_by("id"):
            # Who has many jobs has one turn, at the oldest at which there is something to do.
            if (person := (job.customer_id, job.staff_id)) in served:
                continue
            with contained(f"job {job.pk}"):
                if done := _take_turn(job, until):
                    served.add(person)
                    finished += done
        if not served:
            break
    return finished


def _take_turn(job: Job, until: float) -> int:
    """Work on one job until its turn is over; return how many objects got a result."""
    finished = 0
    with translation.override(mail_language(job.customer or job.staff)):
        for _object in range(_TURN):
            if elapsed_clock() >= until or (item := _claim(job)) is None:
                break
            finished += _do(job, item)
    return finished


def _claimable(now: datetime) -> Q:
    return Q(state=JobItemState.WAITING) | Q(state=JobItemState.CLAIMED, leased_until__lte=now)


def _claim(job: Job) -> JobItem | None:
    """Claim the next object, or return None if there is none now, or another worker is at this job."""
    now = database_now()
    with transaction.atomic():
        jobs = Job.objects.filter(~FROZEN, pk=job.pk, state=JobState.RUNNING)
        if jobs.select_for_update(skip_locked=True, of=("self",)).first() is None:
            return None
        item = JobItem.objects.select_for_update().filter(_claimable(now), job=job).order_by("id").first()
        if item is None:
            return None
        item.state, item.leased_until, item.tries = JobItemState.CLAIMED, now + LEASE, item.tries + 1
        item.save(update_fields=["state", "leased_until", "tries"])
    return item


def _do(job: Job, item: JobItem) -> bool:
    """Do a claimed object and record its result, all or nothing; return False if there is no result."""
    results: list[bool] = []
    with contained(f"object {item.object_id} of job {job.pk}"), transaction.atomic():
        results.append(_do_and_record(job, item))
    if results:
        return results[0]
    if item.tries < MOST_TRIES:
        return False  # again when the lease is over
    with transaction.atomic():
        if not _is_ours(job, item):
            return False
        _record(job, item, JobItemState.FAILED, _broken())
    return True


def _do_and_record(job: Job, item: JobItem) -> bool:
    # The job's row first, then the object's own: a request to stop the job waits, and then nothing more is done.
    if not _is_ours(job, item):
        return False
    if item.tries > MOST_TRIES:
        # Workers died at it: a fourth one does not touch it.
        _record(job, item, JobItemState.FAILED, _broken())
        return True
    try:
        message = kind_of(job.kind).act(job, item, database_now())
        state = JobItemState.DONE
    except Refusal as refusal:
        message, state = str(refusal.message), JobItemState.REFUSED
    _record(job, item, state, message)
    return True


def _is_ours(job: Job, item: JobItem) -> bool:
    """Lock the job and the claimed object; return False if the job ended, the shop froze or the claim ran out."""
    jobs = Job.objects.filter(~FROZEN, pk=job.pk, state=JobState.RUNNING)
    if jobs.select_for_update(of=("self",)).first() is None:
        return False
    claim = JobItem.objects.filter(pk=item.pk, state=JobItemState.CLAIMED, leased_until=item.leased_until)
    return claim.select_for_update().first() is not None


def _record(job: Job, item: JobItem, state: JobItemState, message: str) -> None:
    now = database_now()
    JobItem.objects.filter(pk=item.pk).update(state=state, message=message[:300], leased_until=None, finished_at=now)
    count = {JobItemState.DONE: "done", JobItemState.REFUSED: "refused", JobItemState.FAILED: "failed"}[state]
    Job.objects.filter(pk=job.pk).update(**{count: F(count) + 1})
    if not JobItem.objects.filter(job=job, state__in=JOB_ITEM_OPEN).exists():
        Job.objects.filter(pk=job.pk).update(state=JobState.DONE, finished_at=now)


def _broken() -> str:
    return _("This could not be done. Please try it on the page of this order, or ask the shop.")
