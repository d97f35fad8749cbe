"""Pages about orders. Each view translates a request, makes one call, and translates back."""

from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import CustomerRequest
from catalog.facts.reading import read_figures
from core.clock import database_now
from core.owner_texts import attach
from core.refusals import Refusal
from core.templatetags.money import money_text
from orders.cancellations import request_cancel
from orders.link_search import LOOKED_THROUGH
from orders.models import LONGEST_NOTE, Order
from orders.notes import note_of, save_note
from orders.pages import browse
from orders.pages.choices import choices_for
from orders.pages.job_list import running_jobs
from orders.pages.order_page import order_context, version_of
from orders.pages.row_menu import menus_of
from orders.pages.search import Search
from orders.pages.situations import situation_of, situations_of
from orders.pages.usual import compared_with_usual
from orders.refills import request_refill
from orders.settlement import money_of


def order_or_404(request: CustomerRequest, number: int) -> Order:
    """Return the order if it is the customer's; for anybody else it does not exist."""
    found = browse.orders_of(request.customer).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


@require_safe
@login_required
def order_list(request: CustomerRequest) -> HttpResponse:
    customer, now = request.customer, database_now()
    page = browse.browse(customer, Search.read(request.GET), now=now)
    attach(*(order.service for order in page.orders))
    situations = situations_of(page.orders, now=now)
    context = {
        "page": "orders",
        "kind": "orders",
        "list": page,
        "situations": situations,
        "menus": menus_of(page.orders, situations, now=now),
        "choices": choices_for(customer, page.search),
        "jobs": running_jobs(customer),
        "looked_through": LOOKED_THROUGH,
    }
    return render(request, "orders/list.html", context)


@require_safe
@login_required
def order_rows(request: CustomerRequest) -> HttpResponse:
    """Return the rows that were open when the page was last refreshed, as they are now, and which of them still are."""
    customer, search, now = request.customer, Search.read(request.GET), database_now()
    numbers = [int(n) for n in request.GET.get("open", "").split(",") if n.isascii() and n.isdigit() and len(n) < 18]
    orders = list(browse.orders_of(customer).filter(pk__in=numbers[: browse.PER_PAGE]).order_by("-id"))
    attach(*(order.service for order in orders))
    situations = situations_of(orders, now=now)
    context = {
        "orders": orders,
        "situations": situations,
        "menus": menus_of(orders, situations, now=now),
        "still_open": browse.open_numbers(orders),
        "list": {"search": search, "tabs": browse.tabs_of(customer, search, now=now)},
        "oob": True,
    }
    return render(request, "orders/rows.html", context)


@require_safe
@login_required
def order(request: CustomerRequest, number: int) -> HttpResponse:
    """Show the order's page; asked with a version, answer only if something has changed since."""
    return _order_page(request, order_or_404(request, number))


def _order_page(request: CustomerRequest, found: Order, *, unsaved_note: str | None = None) -> HttpResponse:
    """Show the page; ``unsaved_note`` is a note that was not saved, to be changed."""
    attach(found.service)
    read_figures([found.service])
    now = database_now()
    situation = situation_of(found, now=now)
    usual = compared_with_usual(found, situation, now=now)
    version = version_of(found, situation, usual, now=now)
    if request.GET.get("seen") == version:
        return HttpResponse(status=204)
    template = "orders/order_live.html" if "seen" in request.GET else "orders/order.html"
    context = {
        "page": "orders",
        "version": version,
        "usual": usual,
        "note": note_of(found) if unsaved_note is None else unsaved_note,
        "is_note_unsaved": unsaved_note is not None,
        "longest_note": LONGEST_NOTE,
        **order_context(found, situation, now=now),
    }
    return render(request, template, context, status=400 if unsaved_note is not None else 200)


@require_POST
@login_required
def note(request: CustomerRequest, number: int) -> HttpResponse:
    """Save the customer's own note about the order."""
    found, text = order_or_404(request, number), request.POST.get("text", "")
    try:
        save_note(found, text)
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
        return _order_page(request, found, unsaved_note=text)
    messages.success(request, _("Your note is saved.") if text.strip() else _("Your note is deleted."))
    return redirect("orders:order", number=number)


@require_safe
@login_required
def receipt(request: CustomerRequest, number: int) -> HttpResponse:
    """Show what the order cost, as a page to print."""
    found = order_or_404(request, number)
    attach(found.service)
    return render(request, "orders/paper.html", {"page": "orders", "order": found, "money": money_of(found)})


@require_POST
@login_required
def refill(request: CustomerRequest, number: int) -> HttpResponse:
    found = order_or_404(request, number)
    try:
        request_refill(order=found, actor=request.customer.email, now=database_now())
        messages.success(request, _("We asked the supplier for a refill. You will see here when it has begun."))
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
    return _back(request, number)


@require_POST
@login_required
def cancel(request: CustomerRequest, number: int) -> HttpResponse:
    found = order_or_404(request, number)
    try:
        cancellation = request_cancel(order=found, actor=request.customer.email, now=database_now())
        if cancellation is None:
            messages.success(request, _("Canceled. Your money is back in your wallet."))
        else:
            messages.success(request, _("We asked the supplier to cancel it. You will see its answer here."))
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
    return _back(request, number)


def _back(request: CustomerRequest, number: int) -> HttpResponse:
    """Lead to the list from which it was asked, else to the page of the order."""
    if "back" not in request.POST:
        return redirect("orders:order", number=number)
    search = Search.read(QueryDict(request.POST["back"].removeprefix("?")))
    return redirect(f"{reverse('orders:list')}{search.query()}")


def placed_message(order: Order, *, is_repeat: bool) -> str:
    words = {"number": order.pk, "charge": money_text(order.charge)}
    if is_repeat:
        return _("This form has already placed order #%(number)s. Nothing was charged again.") % words
    return _("Order #%(number)s placed. %(charge)s is reserved.") % words


def new_nonce() -> str:
    return uuid4().hex
