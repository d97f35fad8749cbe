"""Start a job, and stop it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action
from orders.checkout.same_link import one_at_a_time
from orders.doorbell import JOBS, ring_on_commit
from orders.jobs.kinds import JobKind
from orders.models import Job, JobItem
from orders.states import JobState

#: Objects of one job.
MOST_OBJECTS = 10_000
_BATCH = 2_000
#: Jobs of one customer that run at the same time.
MOST_RUNNING = 5


class NothingToDo(Refusal):
    """A job needs at least one object."""

    code = "nothing_to_do"


class TooMany(Refusal):
    """More objects than one job takes."""

    code = "too_many"

    def __init__(self, count: int) -> None:
        words = {"count": f"{count:,}", "most": f"{MOST_OBJECTS:,}"}
        super().__init__(_("These are %(count)s. Choose at most %(most)s at a time.") % words)


class TooManyRunning(Refusal):
    """The customer has as many running jobs as there may be."""

    code = "too_many_running"

    def __init__(self) -> None:
        text = _("You asked for %(most)s things in bulk that still run. Wait for the end of one, or stop one.")
        super().__init__(text % {"most": MOST_RUNNING})


@dataclass(frozen=True)
class ByStaff:
    """Who of the staff asks and why. ``terms`` are what else they chose; see :class:`orders.models.Job`."""

    person: User
    actor: Actor
    reason: str
    terms: Mapping[str, Any] = field(default_factory=dict)


def start_job(
    *,
    kind: JobKind,
    object_ids: Sequence[int],
    nonce: str,
    now: datetime,
    customer: User | None = None,
    staff: ByStaff | None = None,
    seen: Mapping[int, str] | None = None,
) -> Job:
    """Write down a job of ``customer`` or of ``staff`` and wake a worker; return it, or the first one with this nonce.

    ``seen`` is what the person saw of each object, where that matters. Raises NothingToDo, TooMany, TooManyRunning for
    a customer, and NoReason for staff.
    """
    values: dict[str, Any] = {"kind": kind.name, "total": len({*object_ids}), "created_at": now}
    if staff is not None:
        demand_reason(staff.reason)
        values |= {"actor": staff.actor.name[:254], "reason": staff.reason.strip()[:300]}
        asked = {"address": staff.actor.address, "request_id": staff.actor.request_id}
        values["terms"] = {**staff.terms, **asked}
    elif customer is not None:
        values["actor"] = customer.email[:254]
    if not object_ids:
        raise NothingToDo(_("Nothing was chosen."))
    if len(object_ids) > MOST_OBJECTS:
        raise TooMany(len(object_ids))
    who = {"customer": customer, "staff": staff and staff.person}
    with transaction.atomic():
        if customer is not None:
            _demand_room(customer, nonce)
        job, is_new = Job.objects.get_or_create(**who, nonce=nonce, defaults=values)
        if is_new:
            known = seen or {}
            items = [JobItem(job=job, object_id=pk, seen=known.get(pk, "")) for pk in dict.fromkeys(object_ids)]
            JobItem.objects.bulk_create(items, batch_size=_BATCH)
            if staff is not None:
                after = {"kind": kind.name, "objects": job.total, **staff.terms}
                record_staff_action(staff.actor, "job.start", job, reason=staff.reason, after=after)
            ring_on_commit(JOBS)
    return job


def _demand_room(customer: User, nonce: str) -> None:
    """Raise TooManyRunning unless the customer may start one more, or started this one. Two wait for each other."""
    one_at_a_time(customer.pk)
    jobs = Job.objects.filter(customer=customer)
    if jobs.filter(state=JobState.RUNNING).count() >= MOST_RUNNING and not jobs.filter(nonce=nonce).exists():
        raise TooManyRunning


def stop_job(job: Job, *, now: datetime, by: Actor | None = None) -> bool:
    """Stop a job: once this returns, nothing more is asked by it. Return False if it had ended already.

    ``by`` is who of the staff does it.
    """
    running = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
    with transaction.atomic():
        # Waits for an object that is being asked about: its worker holds the job's row.
        is_stopped = running.update(state=JobState.STOPPED, finished_at=now) == 1
        if is_stopped and by is not None:
            record_staff_action(by, "job.stop", job)
    return is_stopped
