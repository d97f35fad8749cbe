"""Refill or cancel many orders at once: first what can be asked at all and why not the rest, then a job."""

from collections import Counter
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import CustomerRequest
from core.clock import database_now
from core.refusals import Refusal
from orders.freezing import is_frozen
from orders.jobs.kinds import JobKind
from orders.jobs.of_orders import CANCEL, OF_CUSTOMERS, preview, start_for_orders
from orders.pages.browse import FoundOrders
from orders.pages.forms import MAX_NONCE
from orders.pages.search import Search, number_in
from orders.pages.views import new_nonce
from orders.states import Forward

#: Orders that are looked at together, and those that are listed by number.
MOST_AT_ONCE, _MOST_LISTED = 1_000, 50


@require_safe
@login_required
def bulk(request: CustomerRequest) -> HttpResponse:
    """Show what would be asked about the chosen orders, or about all of a search, and what cannot be asked."""
    kind, customer, now = _kind(request.GET.get("do", "")), request.customer, database_now()
    search = Search.read(request.GET).at()
    if request.GET.get("all"):
        chunks = FoundOrders(customer, search, now=now).all_numbers(at_once=MOST_AT_ONCE + 1)
        numbers = next(chunks, [])
    else:
        numbers = _numbers(request.GET.getlist("order")[: MOST_AT_ONCE + 1])
    candidates = preview(customer=customer, kind=kind, numbers=numbers[:MOST_AT_ONCE], now=now)
    possible = [found.order for found in candidates if not found.why_not]
    reasons = Counter(found.why_not for found in candidates if found.why_not)
    unsent = [order.charge for order in possible if kind is CANCEL and order.forward_state == Forward.QUEUED]
    context = {
        "page": "orders",
        "unsent": len(unsent),
        "back": sum(unsent, Decimal(0)),
        "search": search,
        "kind": kind,
        "order_page": "orders:order",
        "title": kind.title(len(possible)),
        "possible": possible,
        "listed": possible[:_MOST_LISTED],
        "unlisted": max(0, len(possible) - _MOST_LISTED),
        "reasons": [
            (why, count, [found.order for found in candidates if found.why_not == why][:_MOST_LISTED])
            for why, count in reasons.most_common()
        ],
        "is_cut": len(numbers) > MOST_AT_ONCE,
        "most": MOST_AT_ONCE,
        "is_paused": is_frozen(),
        "orders": ",".join(str(order.pk) for order in possible),
        "nonce": new_nonce(),
    }
    return render(request, "orders/bulk.html", context)


@require_POST
@login_required
def start(request: CustomerRequest) -> HttpResponse:
    """Start the job that the page showed, once for each page that was shown."""
    kind, nonce = _kind(request.POST.get("do", "")), request.POST.get("nonce", "")
    if not nonce or len(nonce) > MAX_NONCE:
        raise BadRequest("the nonce is not one of any form of ours")
    numbers = _numbers(request.POST.get("orders", "").split(",")[:MOST_AT_ONCE])
    try:
        job = start_for_orders(customer=request.customer, kind=kind, numbers=numbers, nonce=nonce, now=database_now())
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
        return redirect("orders:list")
    return redirect("orders:job", number=job.pk)


def _kind(name: str) -> JobKind:
    if name not in OF_CUSTOMERS:
        raise BadRequest("there is no such thing to ask about many orders")
    return OF_CUSTOMERS[name]


def _numbers(texts: list[str]) -> list[int]:
    return [number for text in texts if (number := number_in(text)) is not None]
