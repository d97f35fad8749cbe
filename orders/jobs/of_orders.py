"""Jobs about a customer's orders: refill and cancel, each order by the same operation as with one click."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from core.refusals import Refusal
from orders.cancellations import refusal_to_cancel, request_cancel
from orders.jobs.kinds import JobKind, register
from orders.jobs.starting import MOST_OBJECTS, TooMany, start_job
from orders.models import RESTORED, Cancellation, Job, JobItem, Order, Refill, ShopState
from orders.refills import refusal_to_refill, request_refill


@dataclass(frozen=True)
class Candidate:
    """An order of the customer, and why this cannot be asked about it now; empty if it can."""

    order: Order
    why_not: str = ""


def _refill(job: Job, item: JobItem, now: datetime) -> str:
    request_refill(order=Order(pk=item.object_id), actor=job.actor, now=now, job=job.pk)
    return _("A refill was requested.")


def _cancel(job: Job, item: JobItem, now: datetime) -> str:
    if request_cancel(order=Order(pk=item.object_id), actor=job.actor, now=now, job=job.pk) is None:
        return _("Canceled. Its money is back in your wallet.")
    return _("The supplier is asked to cancel it.")


def title_of_refill(count: int) -> str:
    """Name a refill of so many orders."""
    return ngettext("Refill of %(count)s order", "Refill of %(count)s orders", count) % {"count": f"{count:,}"}


def title_of_cancel(count: int) -> str:
    """Name a cancellation of so many orders."""
    text = ngettext("Cancellation of %(count)s order", "Cancellation of %(count)s orders", count)
    return text % {"count": f"{count:,}"}


REFILL = register(JobKind("refill", title_of_refill, _refill))
CANCEL = register(JobKind("cancel", title_of_cancel, _cancel))
#: What a customer may ask about many orders, by name.
OF_CUSTOMERS = {kind.name: kind for kind in (REFILL, CANCEL)}


def preview(*, customer: User, kind: JobKind, numbers: Iterable[int], now: datetime) -> list[Candidate]:
    """Return the customer's orders among ``numbers``, newest first, each with the reason why it cannot be asked about.

    Other numbers are left out. The number of queries does not grow with them. Raises TooMany.
    """
    wanted = sorted({*numbers})
    if len(wanted) > MOST_OBJECTS:
        raise TooMany(len(wanted))
    orders = Order.objects.filter(customer=customer, pk__in=wanted).select_related("service__source__provider")
    refills = Prefetch("refills", queryset=Refill.objects.order_by("-id"))
    cancellations = Prefetch("cancellations", queryset=Cancellation.objects.order_by("-id"))
    refusal = _refusals(kind, now)
    return [
        Candidate(order, str(found.message) if (found := refusal(order)) else "")
        for order in orders.prefetch_related(refills, cancellations).order_by("-id")
    ]


def _refusals(kind: JobKind, now: datetime) -> Callable[[Order], Refusal | None]:
    if kind is REFILL:
        return lambda order: refusal_to_refill(order, now=now)
    is_restored = ShopState.objects.filter(RESTORED).exists()
    return lambda order: refusal_to_cancel(order, is_restored=is_restored)


def start_for_orders(*, customer: User, kind: JobKind, numbers: Iterable[int], nonce: str, now: datetime) -> Job:
    """Start a job about the customer's orders among ``numbers`` and return it; with the same nonce, the first one.

    Orders that cannot be asked about get that as their result. Raises NothingToDo if none of the orders is the
    customer's, and TooMany.
    """
    wanted = sorted({*numbers})
    if len(wanted) > MOST_OBJECTS:
        raise TooMany(len(wanted))
    own = Order.objects.filter(customer=customer, pk__in=wanted).order_by("id").values_list("id", flat=True)
    return start_job(kind=kind, object_ids=list(own), customer=customer, nonce=nonce, now=now)
