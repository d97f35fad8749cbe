"""The page where an order is made: pick a service, fill in what it needs, see the charge, place it."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.requests import CustomerRequest
from billing.ledger import NotEnoughMoney
from billing.queries import balance_of
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from catalog.shop.price_list import totals
from catalog.shop.service_picker import pick
from core.clock import database_now
from core.refusals import Refusal
from core.templatetags.money import money_text
from orders.checkout.fields import BadFields
from orders.checkout.placement import PriceMoved, place_order, quote
from orders.checkout.quotes import Quote
from orders.models import Order
from orders.pages import browse
from orders.pages.forms import OrderForm
from orders.pages.receipts import QuoteReceipt
from orders.pages.views import new_nonce, placed_message
from orders.states import FINAL


@dataclass(frozen=True)
class Problem:
    """Why nothing was placed; ``add`` is the least amount that would mend it."""

    title: str
    text: str = ""
    add: Decimal | None = None
    is_calm: bool = False


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_order(request: CustomerRequest) -> HttpResponse:
    if request.method == "POST" and "service" in request.POST:
        return _place(request)
    wanted = request.GET.get("service", "")
    service = _on_sale(wanted)
    if service is None:
        problem = Problem(_("This service is not sold at the moment."), _("Choose another.")) if wanted else None
        return _page(request, None, None, problem=problem)
    form = OrderForm(service, initial={**_earlier(request), "nonce": new_nonce()})
    return _page(request, service, form, receipt=_quote_quietly(service, form, request.customer))


def _place(request: CustomerRequest) -> HttpResponse:
    customer, service = request.customer, _on_sale(request.POST.get("service", ""))
    if service is None:
        return _page(
            request,
            None,
            None,
            problem=Problem(_("This service is not sold at the moment."), _("Nothing was charged.")),
        )
    form, shown = OrderForm(service, request.POST), _charge(request.POST.get("shown_charge", ""))
    if shown is None or "check" in request.POST:
        return _page(request, service, form, receipt=_quote_loudly(service, form, customer))
    try:
        placed = place_order(
            customer=customer,
            service_id=service.pk,
            fields=form.typed(),
            shown_charge=shown,
            nonce=request.POST.get("nonce") or None,
            now=database_now(),
        )
    except BadFields as no:
        form.show(no.problems)
        return _page(request, service, form, problem=_not_placed(form))
    except PriceMoved as no:
        now = QuoteReceipt.of(no.quote, balance_of(customer))
        return _page(request, no.quote.service, form, receipt=now, problem=_price_moved(no.quote))
    except NotEnoughMoney:
        receipt = _quote_quietly(service, form, customer)
        return _page(request, service, form, receipt=receipt, problem=_too_little(receipt))
    except Refusal as no:
        return _page(request, service, form, problem=Problem(str(no.message)))
    tell = messages.info if placed.is_repeat else messages.success
    tell(request, placed_message(placed.order, is_repeat=placed.is_repeat))
    return redirect("orders:order", number=placed.order.pk)


@require_POST
@login_required
def quote_fragment(request: CustomerRequest) -> HttpResponse:
    """The receipt for what stands in the form now, with what is wrong beside each field that is not empty."""
    customer, service = request.customer, _on_sale(request.POST.get("service", ""))
    if service is None:
        context: dict[str, Any] = {"unavailable": _("This service is not sold at the moment."), "oob": True}
        return render(request, "orders/receipt.html", context)
    form = OrderForm(service, request.POST)
    receipt = _quote_quietly(service, form, customer)
    link = form.typed().get("link", "").strip()
    context = {
        "service": service,
        "form": form,
        "quote": receipt,
        "oob": True,
        "same_link": _open_for(customer, service, link),
    }
    return render(request, "orders/quote.html", context)


@require_safe
@login_required
def services(request: CustomerRequest) -> HttpResponse:
    text = request.GET.get("find", "").strip()
    return render(
        request,
        "orders/services.html",
        {"find": text, "found": pick(text, request.customer.group) if text else None},
    )


def _page(request: CustomerRequest, service: Service | None, form: OrderForm | None, **more: Any) -> HttpResponse:
    text, customer = request.GET.get("find", "").strip(), request.customer
    show_prices([service] if service else [], customer.group)
    context = {
        "page": "new",
        "service": service,
        "form": form,
        "quote": more.pop("receipt", None),
        "find": text,
        "found": pick(text, customer.group) if text or service is None else None,
        "services": totals()[0],
        "recent": _recent(customer),
        "unavailable": ""
        if form is None or form.main_fields
        else _("This kind of service cannot be ordered here yet."),
        **more,
    }
    return render(request, "orders/new.html", context)


def _on_sale(number: str) -> Service | None:
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    return Service.objects.on_sale().select_related("source__provider", "category").filter(pk=int(number)).first()


def _charge(text: str) -> Decimal | None:
    """The charge the page showed, or None when it showed none."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _quote_quietly(service: Service, form: OrderForm, customer: User) -> QuoteReceipt | None:
    """A quote if the fields allow one; complaints only beside fields that hold something."""
    typed = form.typed()
    try:
        q = quote(service_id=service.pk, fields=typed, customer=customer, now=database_now())
        return QuoteReceipt.of(q, balance_of(customer))
    except BadFields as no:
        if form.is_bound:
            form.show(no.problems, only=[name for name, value in typed.items() if value.strip()])
    except Refusal:
        return None
    return None


def _quote_loudly(service: Service, form: OrderForm, customer: User) -> QuoteReceipt | None:
    try:
        return QuoteReceipt.of(
            quote(service_id=service.pk, fields=form.typed(), customer=customer, now=database_now()),
            balance_of(customer),
        )
    except BadFields as no:
        form.show(no.problems)
    except Refusal as no:
        form.add_error(None, str(no.message))
    return None


def _not_placed(form: OrderForm) -> Problem:
    return Problem(
        _("Not placed."),
        str(form.non_field_errors()[0]) if form.non_field_errors() else _("Mend what is marked below."),
    )


def _price_moved(moved: Quote) -> Problem:
    unit = _("per package") if moved.service.unit == "per_package" else _("per 1,000")
    now = {"price": money_text(moved.price), "unit": unit, "charge": money_text(moved.charge)}
    return Problem(
        _("The price changed while you were typing."),
        _("It is now %(price)s %(unit)s, %(charge)s for this order. Check and place it again.") % now,
        is_calm=True,
    )


def _too_little(receipt: QuoteReceipt | None) -> Problem:
    if receipt is None:
        return Problem(_("Not placed: your balance is too small."), _("Nothing was charged."))
    words = {"balance": money_text(receipt.balance), "charge": money_text(receipt.charge)}
    title = _("Not placed: your balance is %(balance)s, the order costs %(charge)s.") % words
    return Problem(title, _("Nothing was charged."), add=receipt.short_of)


def _earlier(request: CustomerRequest) -> dict[str, str]:
    """What to begin with: the fields of an earlier order of this customer, then what the address says."""
    fields: dict[str, str] = {}
    again = request.GET.get("again", "")
    if again.isascii() and again.isdigit() and len(again) < 18:
        earlier = browse.orders_of(request.customer).filter(pk=int(again)).first()
        fields = dict(earlier.fields) if earlier else {}
    given = {n: request.GET[n][:2000] for n in ("link", "quantity") if request.GET.get(n)}
    return fields | given


def _recent(customer: User) -> list[Service]:
    """The last three services this customer ordered that are still sold."""
    ids = list(
        dict.fromkeys(Order.objects.filter(customer=customer).order_by("-id").values_list("service_id", flat=True)[:30])
    )
    found = Service.objects.on_sale().in_bulk(ids[:6])
    return [found[i] for i in ids if i in found][:3]


def _open_for(customer: User, service: Service, link: str) -> Order | None:
    if not link:
        return None
    same = Order.objects.filter(customer=customer, service=service, link=link).exclude(progress__in=FINAL)
    return next((o for o in same.order_by("-id")[:5] if not o.is_final), None)
