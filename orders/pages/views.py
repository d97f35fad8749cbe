"""Pages about orders. Each view translates a request, makes one call, and translates back."""

from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import CustomerRequest
from core.clock import database_now
from core.owner_texts import attach
from core.refusals import Refusal
from core.templatetags.money import money_text
from orders.cancellations import request_cancel
from orders.models import Order
from orders.pages import browse
from orders.pages.order_page import order_context, version_of
from orders.pages.situations import situation_of, situations_of
from orders.pages.usual import compared_with_usual
from orders.refills import request_refill


def order_or_404(request: CustomerRequest, number: int) -> Order:
    """Return the order if it is the customer's; for anybody else it does not exist."""
    found = browse.orders_of(request.customer).filter(pk=number).first()
    if found is None:
        raise Http404
    return found


@require_safe
@login_required
def order_list(request: CustomerRequest) -> HttpResponse:
    page = browse.browse(request.customer, browse.Search.read(request.GET))
    attach(*(order.service for order in page.orders))
    situations = situations_of(page.orders, now=database_now())
    return render(request, "orders/list.html", {"page": "orders", "list": page, "situations": situations})


@require_safe
@login_required
def order_rows(request: CustomerRequest) -> HttpResponse:
    """Return the rows that were open when the page was last refreshed, as they are now, and which of them still are."""
    customer, search = request.customer, browse.Search.read(request.GET)
    numbers = [int(n) for n in request.GET.get("open", "").split(",") if n.isascii() and n.isdigit() and len(n) < 18]
    orders = list(browse.orders_of(customer).filter(pk__in=numbers[: browse.PER_PAGE]).order_by("-id"))
    attach(*(order.service for order in orders))
    context = {
        "orders": orders,
        "situations": situations_of(orders, now=database_now()),
        "still_open": browse.open_numbers(orders),
        "list": {"search": search, "tabs": browse.tabs_of(customer, search)},
        "oob": True,
    }
    return render(request, "orders/rows.html", context)


@require_safe
@login_required
def order(request: CustomerRequest, number: int) -> HttpResponse:
    """Show the order's page; asked with a version, answer only if something has changed since."""
    found = order_or_404(request, number)
    attach(found.service)
    now = database_now()
    situation = situation_of(found, now=now)
    usual = compared_with_usual(found, situation, now=now)
    version = version_of(found, situation, usual, now=now)
    if request.GET.get("seen") == version:
        return HttpResponse(status=204)
    template = "orders/order_live.html" if "seen" in request.GET else "orders/order.html"
    context = {"page": "orders", "version": version, "usual": usual, **order_context(found, situation, now=now)}
    return render(request, template, context)


@require_POST
@login_required
def refill(request: CustomerRequest, number: int) -> HttpResponse:
    found = order_or_404(request, number)
    try:
        request_refill(order=found, actor=request.customer.email, now=database_now())
        messages.success(request, _("We asked the supplier for a refill. You will see here when it has begun."))
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
    return redirect("orders:order", number=number)


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
    return redirect("orders:order", number=number)


def placed_message(order: Order, *, is_repeat: bool) -> str:
    words = {"number": order.pk, "charge": money_text(order.charge)}
    if is_repeat:
        return _("This form has already placed order #%(number)s. Nothing was charged again.") % words
    return _("Order #%(number)s placed. %(charge)s is reserved.") % words


def new_nonce() -> str:
    return uuid4().hex
