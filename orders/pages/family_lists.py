"""A customer's drip-feeds and subscriptions: how far each has come, and what is still reserved for it."""

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.requests import CustomerRequest
from billing.models import Hold
from core.clock import database_now
from core.owner_texts import attach
from orders.following.children import known_children
from orders.models import Cancellation, Order
from orders.models.order import PARENTS
from orders.pages.keyset import keyset_page
from orders.pages.line import line_of
from orders.pages.situations import situations_of


@require_safe
@login_required
def drip_feeds(request: CustomerRequest) -> HttpResponse:
    return _page(request, "drip_feeds", Q(runs__isnull=False))


@require_safe
@login_required
def subscriptions(request: CustomerRequest) -> HttpResponse:
    return _page(request, "subscriptions", Q(runs__isnull=True))


def _page(request: CustomerRequest, kind: str, condition: Q) -> HttpResponse:
    """Show a page of one kind. The condition is one that the index ``order_parent_in_list`` has."""
    cancellations = Prefetch("cancellations", queryset=Cancellation.objects.order_by("-id"))
    rows = Order.objects.filter(PARENTS, condition, customer=request.customer).select_related("service")
    page = keyset_page(rows.prefetch_related(cancellations), request.GET)
    attach(*(order.service for order in page.rows))
    children, now = known_children(page.rows), database_now()
    holds = Hold.objects.in_bulk([order.reference for order in page.rows])
    families = [
        (
            order,
            line_of(order, children.get(order.pk, []), now=now),
            hold.charged - hold.earned - hold.refunded if hold else 0,
        )
        for order in page.rows
        for hold in [holds.get(order.reference)]
    ]
    context = {
        "page": "orders",
        "kind": kind,
        "list": page,
        "families": families,
        "situations": situations_of(page.rows, now=now),
        "amounts": [held for _order, _line, held in families],
    }
    return render(request, "orders/families.html", context)
