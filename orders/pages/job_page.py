"""The page of a job: how far it has come, and what became of each order. It says the same without a script."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Case, Count, IntegerField, Value, When
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import CustomerRequest
from billing.csvtext import harmless
from core.clock import database_now
from orders.freezing import is_frozen
from orders.jobs.kinds import kind_of
from orders.jobs.of_orders import OF_CUSTOMERS
from orders.jobs.starting import stop_job
from orders.models import Job, JobItem, Order
from orders.pages.mass_placed import csv_file
from orders.states import JobItemState

#: Results on the page; the file has all of them.
MOST_SHOWN = 200
#: What needs the customer stands first.
_ORDER = (JobItemState.FAILED, JobItemState.REFUSED, JobItemState.CLAIMED, JobItemState.WAITING, JobItemState.DONE)
#: State -> class, icon, word.
_BADGES = {
    JobItemState.WAITING: ("is-pending", "clock", gettext_lazy("Not yet asked")),
    JobItemState.CLAIMED: ("is-sending", "send", gettext_lazy("Being asked")),
    JobItemState.DONE: ("is-completed", "circle-check", gettext_lazy("Done")),
    JobItemState.REFUSED: ("is-partial", "triangle-alert", gettext_lazy("Not possible")),
    JobItemState.FAILED: ("is-failed", "circle-alert", gettext_lazy("Failed")),
}
_STOPPED = ("is-canceled", "circle-x", gettext_lazy("Stopped before"))


@dataclass(frozen=True)
class Badge:
    css: str
    icon: str
    word: str


@dataclass(frozen=True)
class Result:
    """One order of the job; ``link`` is what it delivers to, ``page`` where it is shown."""

    number: int
    page: str
    link: str
    badge: Badge
    message: str


def job_or_404(request: CustomerRequest, number: int) -> Job:
    """Return the customer's job; any other does not exist for them."""
    found = Job.objects.filter(pk=number, customer=request.customer, kind__in=OF_CUSTOMERS).first()
    if found is None:
        raise Http404
    return found


@require_safe
@login_required
def job(request: CustomerRequest, number: int) -> HttpResponse:
    """Show the job; asked with a version, answer only if something has changed since."""
    found = job_or_404(request, number)
    addresses = {
        "list_url": reverse("orders:list"),
        "list_name": _("My orders"),
        "jobs_url": reverse("orders:jobs"),
        "job_url": reverse("orders:job", args=[number]),
        "stop_url": reverse("orders:job_stop", args=[number]),
        "csv_url": reverse("orders:job_results", args=[number]),
    }
    context = context_of(found, "orders:order", seen=request.GET.get("seen"))
    if context is None:
        return HttpResponse(status=204)
    context |= {"page": "orders", **addresses}
    return render(request, "orders/job_live.html" if "seen" in request.GET else "orders/job.html", context)


def context_of(job: Job, page: str, *, seen: str | None) -> dict[str, Any] | None:
    """Return what the page of a job shows, None if that is still the version ``seen``; ``page`` is that of an order."""
    is_paused = job.is_running and is_frozen()
    counts = dict(JobItem.objects.filter(job=job).values_list("state").annotate(Count("id")))
    facts = repr([job.state, is_paused, sorted(counts.items())])
    version = hashlib.blake2b(facts.encode(), digest_size=8).hexdigest()
    if seen == version:
        return None
    results = _results(job, page)
    return {
        "job": job,
        "title": kind_of(job.kind).title(job.total),
        "version": version,
        "is_paused": is_paused,
        "tally": [(badge_of(job, state), counts[state]) for state in _ORDER if counts.get(state)],
        "results": results,
        "more": job.total - len(results),
    }


@require_POST
@login_required
def stop(request: CustomerRequest, number: int) -> HttpResponse:
    """Stop the job, and say what was asked already."""
    found = job_or_404(request, number)
    if stop_job(found, now=database_now()):
        messages.success(request, _("Stopped. Nothing more is asked; what was asked before stays asked."))
    else:
        messages.info(request, _("It had ended already."))
    return redirect("orders:job", number=number)


@require_safe
@login_required
def results_csv(request: CustomerRequest, number: int) -> StreamingHttpResponse:
    """Return the result of each order of the job as a table for spreadsheets."""
    found = job_or_404(request, number)
    return csv_file(cells_of(found, "orders:order"), f"job-{found.pk}.csv")


def badge_of(job: Job, state: JobItemState) -> Badge:
    """Return how the state of an order of ``job`` is shown."""
    is_left_out = not job.is_running and state in (JobItemState.WAITING, JobItemState.CLAIMED)
    css, icon, word = _STOPPED if is_left_out else _BADGES[state]
    return Badge(css, icon, str(word))


def _results(job: Job, page: str) -> list[Result]:
    places = [When(state=state, then=Value(place)) for place, state in enumerate(_ORDER)]
    ordered = job.items.order_by(Case(*places, output_field=IntegerField()), "-object_id")
    return list(_with_links(job, list(ordered[:MOST_SHOWN]), page))


def _with_links(job: Job, items: list[JobItem], page: str) -> Iterator[Result]:
    orders = Order.objects.filter(pk__in=[item.object_id for item in items])
    if job.customer_id is not None:
        orders = orders.filter(customer=job.customer_id)
    found = orders.only("link", "fields").in_bulk()
    for item in items:
        order = found.get(item.object_id)
        badge, address = badge_of(job, JobItemState(item.state)), reverse(page, args=[item.object_id])
        yield Result(item.object_id, address, order.target if order else "", badge, item.message)


def cells_of(job: Job, page: str) -> Iterator[list[str]]:
    """Yield the lines of the table of all results."""
    yield [_("Order number"), _("Link"), _("Result"), _("Details")]
    last = 0
    while items := list(job.items.filter(object_id__gt=last).order_by("object_id")[:1000]):
        for result in _with_links(job, items, page):
            yield [str(result.number), *map(harmless, (result.link, result.badge.word, result.message))]
        last = items[-1].object_id
