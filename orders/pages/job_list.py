"""What a customer asked for in bulk: the newest on a page of their own, and what still runs for "My orders"."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import CustomerRequest
from orders.jobs.kinds import kind_of
from orders.jobs.of_orders import OF_CUSTOMERS
from orders.models import Job
from orders.pages.keyset import keyset_page
from orders.states import JobState

#: State -> class, icon, word.
_BADGES = {
    JobState.RUNNING: ("is-progress", "circle-dot-dashed", gettext_lazy("Running")),
    JobState.DONE: ("is-completed", "circle-check", gettext_lazy("Done")),
    JobState.STOPPED: ("is-canceled", "circle-x", gettext_lazy("Stopped")),
}


@dataclass(frozen=True)
class JobLine:
    """One job in a list: its name, such as "Refill of 100 orders", and how its state is shown."""

    job: Job
    title: str
    css: str
    icon: str
    word: str


def running_jobs(customer: User) -> list[JobLine]:
    """Return the customer's jobs that still run, the newest first; one query."""
    return _lines(Job.objects.filter(customer=customer, kind__in=OF_CUSTOMERS, state=JobState.RUNNING).order_by("-id"))


@require_safe
@login_required
def jobs(request: CustomerRequest) -> HttpResponse:
    """Show a page of what the customer asked for in bulk, the newest first."""
    page = keyset_page(Job.objects.filter(customer=request.customer, kind__in=OF_CUSTOMERS), request.GET)
    context = {"page": "orders", "kind": "jobs", "list": page, "jobs": _lines(page.rows)}
    return render(request, "orders/jobs.html", context)


def _lines(jobs: Iterable[Job]) -> list[JobLine]:
    return [JobLine(job, kind_of(job.kind).title(job.total), *_badge(job)) for job in jobs]


def _badge(job: Job) -> tuple[str, str, str]:
    css, icon, word = _BADGES[JobState(job.state)]
    return css, icon, str(word)
