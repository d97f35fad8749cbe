"""The demo's payment page: what a real gateway's own site would show, with a button for each end of a payment."""

import json
import secrets
from collections.abc import Callable
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.requests import CustomerRequest
from billing.gateways.demo import remote
from billing.gateways.demo.gateway import SIGNATURE, sign
from billing.models import DemoPayment, PaymentMethod, TopUp
from billing.topups import events, methods
from core.clock import database_now

HALF = Decimal("0.5")


def _twice(remote_id: str) -> None:
    remote.pay(remote_id)
    remote.pay(remote_id)


#: What each button does at the gateway.
ACTIONS: dict[str, Callable[[str], None]] = {
    "pay": remote.approve,
    "later": lambda remote_id: remote.pay(remote_id, later=True),
    "half": lambda remote_id: remote.pay(remote_id, HALF),
    "twice": _twice,
    "fail": remote.fail,
    "chargeback": remote.charge_back,
    "win": remote.win,
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def payment(request: CustomerRequest, remote_id: str) -> HttpResponse:
    """Show the payment; a button changes it and calls the shop's webhook, as a gateway would. 404 outside the demo."""
    if not settings.DEMO:
        raise Http404
    row = get_object_or_404(DemoPayment, remote_id=remote_id[:40])
    topup = get_object_or_404(
        TopUp.objects.select_related("method"), remote_id=row.remote_id, customer=request.customer
    )
    if request.method == "POST":
        action = ACTIONS.get(request.POST.get("action", ""))
        if action is not None:
            action(row.remote_id)
            call_webhook(topup.method, row.remote_id)
        return redirect(f"{reverse('billing:topup', args=[topup.pk])}?back=1")
    return render(request, "billing/demo_payment.html", {"payment": row, "topup": topup, "page": "wallet"})


def call_webhook(method: PaymentMethod, remote_id: str) -> bool:
    """Call the shop as a gateway would: signed, and without a word about money. Return False if it was refused."""
    body = json.dumps({"id": secrets.token_hex(8), "kind": "payment.changed", "payment": remote_id}).encode()
    headers = {SIGNATURE: sign(body, methods.config_of(method))}
    return events.receive(method, headers=headers, body=body, now=database_now())
