"""The pages on which customers ask, read answers and reply."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import CustomerRequest
from core.clock import database_now
from core.owner_texts import attach
from core.refusals import Refusal
from orders.models import Order
from orders.pages.sentences import sentence
from orders.pages.situations import situation_of
from support.forms import NewTicketForm, order_of
from support.models import LONGEST_MESSAGE, Author, Ticket, TicketMessage
from support.tickets import BadTicket, close_ticket, open_ticket, reply

PER_PAGE = 30
#: The tabs of the list: what the address says, its name, and which tickets it shows.
TABS: dict[str, tuple[str | Promise, dict[str, bool]]] = {
    "": (_("All"), {}),
    "answered": (_("Answered"), {"closed_at__isnull": True, "waits_since__isnull": True}),
    "open": (_("Open"), {"waits_since__isnull": False}),
    "closed": (_("Closed"), {"closed_at__isnull": False}),
}


@dataclass(frozen=True)
class TicketFace:
    """How a ticket's state looks: class, icon, word."""

    css: str
    icon: str
    word: str | Promise


_CLOSED, _OPEN = TicketFace("is-pending", "lock", _("Closed")), TicketFace("is-pending", "clock", _("Open"))
_ANSWERED = TicketFace("is-progress", "message-square", _("Answered"))


def face_of(ticket: Ticket) -> TicketFace:
    """Return the state as its customer sees it."""
    if not ticket.is_open:
        return _CLOSED
    return _OPEN if ticket.waits_since else _ANSWERED


def _of(request: CustomerRequest) -> QuerySet[Ticket]:
    return Ticket.objects.filter(customer=request.customer)


@require_http_methods(["GET", "HEAD"])
@login_required
def tickets(request: CustomerRequest) -> HttpResponse:
    """List the customer's tickets, the newest message first."""
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in TABS else ""
    public = TicketMessage.objects.filter(ticket=OuterRef("pk")).exclude(author=Author.NOTE).order_by("-id")
    listed = _of(request).annotate(
        last_text=Subquery(public.values("text")[:1]), last_author=Subquery(public.values("author")[:1])
    )
    shown = Paginator(listed.filter(**TABS[chosen][1]).order_by("-last_at", "-id"), PER_PAGE).get_page(
        request.GET.get("page", "")[:9]
    )
    context = {
        "page": "tickets",
        "tabs": [(name, label, name == chosen) for name, (label, _which) in TABS.items()],
        "shown": shown,
        "rows": [(ticket, face_of(ticket)) for ticket in shown],
    }
    return render(request, "support/tickets.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: CustomerRequest) -> HttpResponse:
    """Ask something; what is known about the order in question is shown first."""
    number = (request.POST or request.GET).get("order", "")[:20].strip().lstrip("#")
    about = order_of(request.customer, number)
    subject = _t("Order #%(number)s") % {"number": about.pk} if about else ""
    form = NewTicketForm(
        request.POST or None, customer=request.customer, initial={"order": number, "subject": subject}, auto_id="%s"
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            ticket = open_ticket(
                customer=request.customer, subject=given["subject"], message=given["message"], order=given["order"],
                now=database_now(),
            )  # fmt: skip
        except BadTicket as refusal:
            form.add_error(refusal.field, str(refusal.message))
        except Refusal as refusal:
            form.add_error(None, str(refusal.message))
        else:
            messages.success(request, _t("Your ticket was sent. We answer here and by mail."))
            return redirect("support:ticket", ticket)
    context = {
        "page": "tickets", "form": form, **_order_context(about),
        "earlier": about and _of(request).filter(order=about, closed_at=None).order_by("-id").first(),
    }  # fmt: skip
    return render(request, "support/new.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def ticket(request: CustomerRequest, pk: int) -> HttpResponse:
    """Show what was written, and add a reply. Looking at it marks an answer as read."""
    found = get_object_or_404(
        _of(request).select_related("order__service").prefetch_related("order__cancellations"), pk=pk
    )
    typed, problem = "", ""
    if request.method == "POST":
        typed = request.POST.get("text", "")[: LONGEST_MESSAGE + 1]
        try:
            reply(ticket_id=pk, customer=request.customer, text=typed, now=database_now())
        except Refusal as refusal:
            problem = str(refusal.message)
        else:
            messages.success(request, _t("Your reply was sent."))
            return redirect("support:ticket", pk)
    if found.is_unread:
        Ticket.objects.filter(pk=pk, is_unread=True).update(is_unread=False)
    context = {
        "page": "tickets", "ticket": found, "face": face_of(found), "typed": typed, "problem": problem,
        "longest": LONGEST_MESSAGE, "thread": found.messages.exclude(author=Author.NOTE), **_order_context(found.order),
    }  # fmt: skip
    return render(request, "support/ticket.html", context, status=400 if problem else 200)


@require_POST
@login_required
def close(request: CustomerRequest, pk: int) -> HttpResponse:
    """Close a ticket that needs no answer any more."""
    found = get_object_or_404(_of(request), pk=pk)
    if close_ticket(ticket_id=found.pk, actor=request.customer.email, now=database_now()):
        messages.success(request, _t("The ticket is closed. A reply opens it again."))
    return redirect("support:ticket", pk)


def _order_context(order: Order | None) -> dict[str, object]:
    """What the panel of the order shows: the order, and the sentence of its own page."""
    if order is None:
        return {"order": None}
    attach(order.service)
    return {"order": order, "sentence": sentence(order, situation_of(order, now=database_now()))}
