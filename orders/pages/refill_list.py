"""All refills of a customer, newest first."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.requests import CustomerRequest
from core.owner_texts import attach
from orders.models import Refill
from orders.pages.keyset import keyset_page
from orders.states import REFILL_OPEN, RefillState


@dataclass(frozen=True)
class RefillTab:
    """Refills in these states; without states all of them."""

    name: str
    word: str | Promise
    states: tuple[RefillState, ...] = ()


TABS = (
    RefillTab("", _("All")),
    RefillTab("open", _("In progress"), REFILL_OPEN),
    RefillTab("done", _("Refilled"), (RefillState.COMPLETED,)),
    RefillTab("declined", _("Declined"), (RefillState.REJECTED,)),
    RefillTab("unanswered", _("Never answered"), (RefillState.UNANSWERED,)),
)


@require_safe
@login_required
def refills(request: CustomerRequest) -> HttpResponse:
    """Show a page of the customer's refills, of one state if the address names one."""
    tab = next((tab for tab in TABS if tab.name == request.GET.get("state", "")), TABS[0])
    rows = Refill.objects.filter(customer=request.customer).select_related("order__service")
    if tab.states:
        rows = rows.filter(state__in=tab.states)
    page = keyset_page(rows, request.GET, state=tab.name)
    attach(*(refill.order.service for refill in page.rows))
    context = {"page": "orders", "kind": "refills", "tabs": TABS, "current": tab, "list": page}
    return render(request, "orders/refills.html", context)
