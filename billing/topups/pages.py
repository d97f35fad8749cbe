"""The pages on which customers add funds. They show states and never move money: the core does, when it has looked."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import CustomerRequest
from billing.gateways.contract import Ability
from billing.models import PaymentMethod, PaymentRefund, TopUp, TopUpState
from billing.models.topups import OPEN, RefundState
from billing.queries import balance_of
from billing.topups import coins, methods, reviewing, vouchers
from billing.topups.forms import TopUpForm, new_nonce
from billing.topups.looking import look_soon
from billing.topups.origin import origin_of
from billing.topups.starting import start
from billing.topups.words import sentence, topup_state
from core.clock import database_now
from core.money import EXACT, is_amount
from core.numbers import NotANumber, plain_number, read_decimal, read_whole
from core.refusals import Refusal

RECENT, PER_PAGE = 5, 50
#: Amounts that a page offers to fill in.
USUAL = (5, 10, 25, 50, 100)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add_funds(request: CustomerRequest) -> HttpResponse:
    """Choose an amount and a method; without any method, say how money gets into the wallet."""
    offered = methods.offered()
    typed: Mapping[str, Any] = request.GET
    context: dict[str, Any] = {}
    if request.method == "POST" and offered:
        form = TopUpForm(request.POST)
        typed = form.typed
        if "show" not in request.POST and form.is_valid():
            try:
                given = form.cleaned_data
                topup = start(
                    customer=request.customer,
                    method_id=given["method"],
                    amount=given["amount"],
                    nonce=given["nonce"],
                    choice=form.choice,
                    now=database_now(),
                    origin=origin_of(request, request.customer),
                )
                service = read_whole(given["service"])
                page = reverse("billing:topup", args=[topup.pk])
                return redirect(f"{page}?service={service}" if service else page)
            except Refusal as refusal:
                context["problem"] = str(refusal.message)
        context["amount_error"] = " ".join(str(error) for error in form.errors.get("amount", ()))
    missing = _missing_for_order(request) if request.method != "POST" else None
    if missing is not None and not typed.get("amount"):
        typed = {**request.GET.dict(), "amount": _least_for(missing, offered)}
    context |= {
        "page": "wallet",
        "missing": missing,
        "smallest": min((method.least for method in offered), default=None),
        "service": read_whole(str(typed.get("service", ""))),
        "nonce": typed.get("nonce") or new_nonce(),
        "recent": _rows(TopUp.objects.filter(customer=request.customer).select_related("method")[:RECENT]),
    }
    context["takes_codes"] = vouchers.voucher_method() is not None
    if not offered:
        return render(request, "billing/ask_owner.html", context | {"balance": balance_of(request.customer)})
    return render(request, "billing/add_funds.html", context | _offers(request, typed))


def _missing_for_order(request: CustomerRequest) -> Decimal | None:
    """What an order misses, as the page of the order says; it only fills in a field."""
    try:
        missing = read_decimal(request.GET.get("missing", "")[:40], point=".")
    except NotANumber:
        return None
    return missing if is_amount(missing) else None


def _least_for(missing: Decimal, offered: list[PaymentMethod]) -> str:
    """The smallest amount that covers what an order misses and that a method takes."""
    least = missing.quantize(Decimal("0.01"), rounding=ROUND_CEILING, context=EXACT)
    if offered:
        least = max(least, min(method.least for method in offered))
    return plain_number(least)


@require_safe
@login_required
def offers(request: CustomerRequest) -> HttpResponse:
    """The part of the page that depends on the amount: what each method costs, and the sum."""
    return render(request, "billing/offers.html", _offers(request, request.GET))


@require_POST
@login_required
def redeem_code(request: CustomerRequest) -> HttpResponse:
    """Redeem a voucher's code, and show its top-up; the code is not kept in any page or address."""
    try:
        topup = vouchers.redeem(
            request, customer=request.customer, code=request.POST.get("code", "")[:60], now=database_now()
        )
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
        return redirect("billing:add_funds")
    return redirect("billing:topup", topup.pk)


def _offers(request: CustomerRequest, typed: Mapping[str, Any]) -> dict[str, Any]:
    text = str(typed.get("amount", ""))[:40]
    form = TopUpForm({"amount": text})
    amount: Decimal | None = form.cleaned_data.get("amount") if text and form.is_valid() else None
    found = [methods.offer(method, amount, customer=request.customer) for method in methods.offered()]
    usable = [each for each in found if not each.why_not]
    wanted = read_whole(str(typed.get("method", "")))
    chosen = next((each for each in usable if each.method.pk == wanted), usable[0] if usable else None)
    balance = balance_of(request.customer)
    return {
        "amount": text,
        "offers": [
            (each, list(methods.terms_of(each.method)), str(typed.get(f"choice_{each.method.pk}", "")))
            for each in found
        ],
        "chosen": chosen,
        "balance": balance,
        "balance_after": balance + chosen.price.arrives if chosen and chosen.price else None,
        "usual": [n for n in USUAL if any(o.method.least <= n <= o.method.most for o in found)],
        "foot_error": " ".join(str(error) for error in form.errors.get("amount", ())) if text else "",
    }


@require_safe
@login_required
def topups(request: CustomerRequest) -> HttpResponse:
    """Every top-up of the customer, newest first."""
    found = TopUp.objects.filter(customer=request.customer).select_related("method")
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "billing/topups.html", {"page": "wallet", "shown": shown, "rows": _rows(shown)})


def _rows(found: Any) -> list[dict[str, Any]]:
    return [{"topup": topup, "state": topup_state(topup)} for topup in found]


def topup_or_404(request: CustomerRequest, pk: int) -> TopUp:
    """The customer's own top-up; another's does not exist for them."""
    if pk > 2**63 - 1:
        pk = 0
    found: TopUp = get_object_or_404(TopUp.objects.select_related("method"), pk=pk, customer=request.customer)
    return found


@require_safe
@login_required
def topup(request: CustomerRequest, pk: int) -> HttpResponse:
    """Show one top-up. A customer who comes back from the gateway sees what we know, and a worker looks at once."""
    found = topup_or_404(request, pk)
    if "back" in request.GET and found.state in OPEN:
        look_soon(found, now=database_now())
    pay_template = spec.pay_template if (spec := methods.spec_of(found.method)) and found.state in OPEN else ""
    coin = coins.coin_payment(found, now=database_now()) if pay_template else None
    version = f"{found.state}.{found.received:f}.{found.credited:f}.{found.taken:f}.{bool(found.why):d}"
    if coin is not None:
        version += f".{coin.minutes_left}"
    if request.GET.get("seen") == version:
        return HttpResponse(status=204)
    refunds = PaymentRefund.objects.filter(payment__topup=found, state=RefundState.DONE).select_related("payment")
    context = {
        "page": "wallet",
        "topup": found,
        "version": version,
        "price": methods.Price(found.credit_amount, found.fee, found.bonus, found.pay_amount, found.pay_currency),
        "state": topup_state(found),
        "sentence": sentence(found),
        "is_open": found.state in OPEN,
        "pay_template": pay_template if coin is not None else "",
        "coin": coin,
        "refund_links": [refund for refund in refunds if refund.link],
        "sent_by_hand": refunds if methods.can(found.method, Ability.REFUND_BY_HAND) else (),
        # A page with a field to fill in is not replaced while somebody types.
        "is_live": found.state in (*OPEN, TopUpState.HELD) and not reviewing.takes_notices(found),
        "service": read_whole(request.GET.get("service", "")),
        "notice": found.notices.first(),
        # The demo's page has buttons for what comes after a payment, too.
        "demo_page": found.pay_url
        if settings.DEMO and found.method.gateway == "demo" and found.state not in OPEN
        else "",
        "takes_notice": reviewing.may_review(found),
        "balance": balance_of(request.customer),
        "documents": found.documents.order_by("pk").defer("html"),
    }
    return render(request, "billing/topup_live.html" if "seen" in request.GET else "billing/topup.html", context)


@require_POST
@login_required
def sent(request: CustomerRequest, pk: int) -> HttpResponse:
    """The customer says that the transfer is on its way."""
    found = topup_or_404(request, pk)
    try:
        reviewing.give_notice(
            topup=found,
            sender=request.POST.get("sender", "")[:200],
            upload=request.FILES.get("proof"),
            now=database_now(),
        )
        messages.success(request, _("Thank you. We look for it and credit what arrives."))
    except Refusal as refusal:
        messages.error(request, str(refusal.message))
    return redirect("billing:topup", pk)
