"""The page on which a customer orders: choose a service, fill in its fields, see the charge, place the order."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.requests import CustomerRequest
from billing.ledger import NotEnoughMoney
from billing.queries import balance_of
from catalog.links.reader import read_link
from catalog.links.refusals import BadLink
from catalog.models import Service, Unit
from catalog.prices.group_prices import show_prices
from catalog.shop.price_list import totals
from catalog.shop.service_picker import pick
from core.clock import database_now
from core.owner_texts import attach
from core.refusals import Refusal
from core.templatetags.money import money_text
from orders.checkout.checks import service_platforms
from orders.checkout.fields import BadFields
from orders.checkout.placement import PriceMoved, place_order, quote
from orders.drafts import NotKept, forget, keep_for_customer, kept_for
from orders.models import Order
from orders.pages import browse
from orders.pages.forms import DRIPFEED, MAX_NONCE, OrderForm
from orders.pages.kept_forms import keep_and_sign_in
from orders.pages.receipts import QuoteReceipt
from orders.pages.views import new_nonce, placed_message
from orders.states import FINAL, Forward


@dataclass(frozen=True)
class PageProblem:
    """Why nothing was placed; ``add`` is the least amount that would have to be added to the balance."""

    title: str
    text: str = ""
    add: Decimal | None = None
    is_calm: bool = False


@require_http_methods(["GET", "HEAD", "POST"])
def new_order(request: CustomerRequest) -> HttpResponse:
    """Show the order form; place the order when it is sent. A visitor signs in first, and finds the form as it was."""
    if not request.user.is_authenticated:
        return keep_and_sign_in(request, _on_sale(request.POST.get("service", "")))
    if request.method == "POST" and "service" in request.POST:
        return _place(request)
    chosen = request.GET.get("service", "")
    service = _on_sale(chosen)
    if service is None:
        problem = PageProblem(_("This service is not sold at the moment."), _("Choose another.")) if chosen else None
        return _page(request, None, None, problem=problem)
    # The fields begin with those of an earlier order of this customer, then with what the address says.
    fields: dict[str, str] = {}
    again = request.GET.get("again", "")
    if again.isascii() and again.isdigit() and len(again) < 18:
        earlier = browse.orders_of(request.customer).filter(pk=int(again)).first()
        fields = dict(earlier.fields) if earlier else {}
    elif request.method == "GET" and (kept := kept_for(request.customer, service.pk, now=database_now())):
        fields = kept
        messages.info(request, _("Your order is as you left it. Nothing has been placed; look at its charge."))
    fields |= {n: request.GET[n][:2000] for n in ("link", "quantity") if request.GET.get(n)}
    form = OrderForm(service, initial={**fields, "nonce": new_nonce()})
    return _page(request, service, form, receipt=_quote_filled_fields(service, form, request.customer))


def _place(request: CustomerRequest) -> HttpResponse:
    customer, service = request.customer, _on_sale(request.POST.get("service", ""))
    if service is None:
        problem = PageProblem(_("This service is not sold at the moment."), _("Nothing was charged."))
        return _page(request, None, None, problem=problem)
    form = OrderForm(service, request.POST)
    nonce = request.POST.get("nonce", "")
    if len(nonce) > MAX_NONCE:
        raise BadRequest("the nonce is longer than that of any form of ours")

    if "keep" in request.POST:
        try:
            keep_for_customer(customer, service.pk, form.typed(), now=database_now())
        except NotKept as refusal:
            return _page(request, service, form, problem=PageProblem(str(refusal.message)))
        return redirect(f"{reverse('billing:add_funds')}?service={service.pk}")

    # 1. Without a charge that the page showed, or on request, only the price is computed.
    try:
        shown = Decimal(request.POST.get("shown_charge", ""))
    except InvalidOperation:
        shown = Decimal("NaN")
    if not shown.is_finite() or "check" in request.POST:
        return _page(request, service, form, receipt=_quote_all_fields(service, form, customer))

    # 2. Place it at that charge, or say what is in the way.
    try:
        placed = place_order(
            customer=customer,
            service_id=service.pk,
            fields=form.typed(),
            shown_charge=shown,
            nonce=nonce or None,
            now=database_now(),
        )
    except BadFields as refusal:
        form.show(refusal.problems)
        general = form.non_field_errors()
        text = str(general[0]) if general else _("Please correct the fields marked below.")
        return _page(request, service, form, problem=PageProblem(_("Not placed."), text))
    except PriceMoved as refusal:
        moved = refusal.quote
        unit = _("per package") if moved.service.unit == Unit.PER_PACKAGE else _("per 1,000")
        now = {"price": money_text(moved.price), "unit": unit, "charge": money_text(moved.charge)}
        text = _("It is now %(price)s %(unit)s, %(charge)s for this order. Check it and place the order again.") % now
        problem = PageProblem(_("The price changed while you were typing."), text, is_calm=True)
        receipt = QuoteReceipt.of(moved, balance_of(customer))
        return _page(request, moved.service, form, receipt=receipt, problem=problem)
    except NotEnoughMoney:
        short = _quote_filled_fields(service, form, customer)
        if short is None:
            problem = PageProblem(_("Not placed: your balance is too small."), _("Nothing was charged."))
        else:
            figures = {"balance": money_text(short.balance), "charge": money_text(short.charge)}
            title = _("Not placed: your balance is %(balance)s, the order costs %(charge)s.") % figures
            problem = PageProblem(title, _("Nothing was charged."), add=short.short_of)
        return _page(request, service, form, receipt=short, problem=problem)
    except Refusal as refusal:
        return _page(request, service, form, problem=PageProblem(str(refusal.message)))

    # 3. On to the order's own page.
    forget(customer, service.pk)
    add_message = messages.info if placed.is_repeat else messages.success
    add_message(request, placed_message(placed.order, is_repeat=placed.is_repeat))
    return redirect("orders:order", number=placed.order.pk)


@require_POST
@login_required
def quote_fragment(request: CustomerRequest) -> HttpResponse:
    """Return the receipt for the form as it is now, with the problem of each field that is not empty."""
    customer, service = request.customer, _on_sale(request.POST.get("service", ""))
    if service is None:
        context: dict[str, Any] = {"unavailable": _("This service is not sold at the moment."), "oob": True}
        return render(request, "orders/receipt.html", context)
    form = OrderForm(service, request.POST)
    receipt = _quote_filled_fields(service, form, customer)
    same_link = _open_order_for_link(customer, service, form)
    context = {"service": service, "form": form, "quote": receipt, "oob": True, "same_link": same_link}
    return render(request, "orders/quote.html", context)


@require_safe
@login_required
def services(request: CustomerRequest) -> HttpResponse:
    """Return the services that match what was typed into the search box."""
    text = request.GET.get("find", "").strip()
    found = pick(text, request.customer.group) if text else None
    return render(request, "orders/services.html", {"find": text, "found": found})


def _page(request: CustomerRequest, service: Service | None, form: OrderForm | None, **more: Any) -> HttpResponse:
    text, customer = request.GET.get("find", "").strip(), request.customer
    show_prices([service] if service else [], customer.group)
    # The last three services this customer ordered that are still sold.
    ordered = Order.objects.filter(customer=customer).order_by("-id").values_list("service_id", flat=True)[:30]
    ids = list(dict.fromkeys(ordered))
    on_sale = Service.objects.on_sale().in_bulk(ids[:6])
    attach(service, *on_sale.values())
    can_be_ordered = form is None or bool(form.main_fields)
    context = {
        "page": "new",
        "service": service,
        "form": form,
        "quote": more.pop("receipt", None),
        "find": text,
        "found": pick(text, customer.group) if text or service is None else None,
        "same_link": _open_order_for_link(customer, service, form) if service and form else None,
        "services": totals()[0],
        "recent": [on_sale[i] for i in ids if i in on_sale][:3],
        "unavailable": "" if can_be_ordered else _("This kind of service cannot be ordered here yet."),
        **more,
    }
    return render(request, "orders/new.html", context)


def _open_order_for_link(customer: User, service: Service, form: OrderForm) -> Order | None:
    """The newest order of this service that is still open for the same link, in whatever spelling."""
    try:
        link = read_link(form.typed().get("link", ""), platforms=service_platforms(service))
    except BadLink:
        return None
    same = Order.objects.filter(customer=customer, service=service, link_key=link.key)
    still_open = same.exclude(progress__in=FINAL).exclude(forward_state__in=[Forward.REFUSED, Forward.REFUNDED])
    return still_open.order_by("-id").first()


def _on_sale(number: str) -> Service | None:
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    return Service.objects.on_sale().select_related("source__provider", "category").filter(pk=int(number)).first()


def _quote_filled_fields(service: Service, form: OrderForm, customer: User) -> QuoteReceipt | None:
    """The receipt if the fields allow one; only fields that are not empty show a problem."""
    typed = form.typed()
    try:
        q = quote(service_id=service.pk, fields=typed, customer=customer, now=database_now())
    except BadFields as refusal:
        if form.is_bound:
            filled = [name for name, value in typed.items() if value.strip()]
            # One field of a drip-feed asks for the other.
            only = [*filled, *DRIPFEED] if set(filled) & set(DRIPFEED) else filled
            form.show(refusal.problems, only=only)
        return None
    except Refusal:
        return None
    return QuoteReceipt.of(q, balance_of(customer))


def _quote_all_fields(service: Service, form: OrderForm, customer: User) -> QuoteReceipt | None:
    """The receipt if the fields allow one; every problem is shown."""
    try:
        q = quote(service_id=service.pk, fields=form.typed(), customer=customer, now=database_now())
    except BadFields as refusal:
        form.show(refusal.problems)
        return None
    except Refusal as refusal:
        form.add_error(None, str(refusal.message))
        return None
    return QuoteReceipt.of(q, balance_of(customer))
