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
from catalog.models import Service, Unit
from catalog.prices.group_prices import show_prices
from catalog.shop.favourites import TooManyFavourites, favourites_of, mark, unmark
from catalog.shop.price_list import totals
from core.clock import database_now
from core.owner_texts import attach
from core.refusals import Refusal
from core.templatetags.money import money_text
from orders.checkout.fields import BadFields, FieldProblem
from orders.checkout.placement import PriceMoved, place_order, quote
from orders.drafts import NotKept, forget, keep_for_customer, kept_for
from orders.pages import browse
from orders.pages.forms import DRIPFEED, MAX_NONCE, OrderForm
from orders.pages.kept_forms import keep_and_sign_in
from orders.pages.picker import is_asked, named_recently, read_picker
from orders.pages.reasons import no_service
from orders.pages.receipts import QuoteReceipt
from orders.pages.remarks import remarks_on
from orders.pages.views import new_nonce, placed_message

#: Fields with a button beside them that puts another value in; it works without a script.
SUGGESTED = ("link", "quantity")


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
    form.focus_first_empty()
    return _page(request, service, form, receipt=_quote_filled_fields(service, form, request.customer))


def _place(request: CustomerRequest) -> HttpResponse:
    customer, service = request.customer, _on_sale(request.POST.get("service", ""))
    if service is None:
        problem = PageProblem(_("This service is not sold at the moment."), _("Nothing was charged."))
        return _page(request, None, None, problem=problem)
    data = request.POST.copy()
    for name in SUGGESTED:  # A button beside the field puts another value into it.
        if used := data.get(f"use_{name}"):
            data[name], data["check"] = used, "1"
    form = OrderForm(service, data)
    nonce = request.POST.get("nonce", "")
    if len(nonce) > MAX_NONCE:
        raise BadRequest("the nonce is longer than that of any form of ours")

    if "star" in request.POST:
        return _star(request, service, form)
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
    if not shown.is_finite() or "check" in data:
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
    context = {"service": service, "form": form, "quote": receipt, "oob": True, **remarks_on(form, customer)}
    return render(request, "orders/quote.html", context)


@require_safe
@login_required
def services(request: CustomerRequest) -> HttpResponse:
    """Return the picker's tree and list for what was typed or chosen in it."""
    return render(request, "orders/services.html", {"picker": read_picker(request.customer, request.GET)})


def _star(request: CustomerRequest, service: Service, form: OrderForm) -> HttpResponse:
    """Mark the service as a favourite, or not any more: return the star alone, or without a script go to the page."""
    customer, refusal, is_script = request.customer, "", request.headers.get("HX-Request") == "true"
    try:
        if not is_script and any(value.strip() for value in form.typed().values()):
            keep_for_customer(customer, service.pk, form.typed(), now=database_now())
        change = mark if request.POST["star"] == "on" else unmark
        change(customer, service)
    except (NotKept, TooManyFavourites) as problem:
        refusal = str(problem.message)
    if is_script:
        context = {"is_favourite": service.pk in favourites_of(customer), "refusal": refusal}
        return render(request, "orders/star.html", context)
    if refusal:
        return _page(request, service, form, problem=PageProblem(refusal))
    return redirect(f"{reverse('orders:new')}?service={service.pk}")


def _page(request: CustomerRequest, service: Service | None, form: OrderForm | None, **more: Any) -> HttpResponse:
    customer, recent = request.customer, named_recently(request.customer)
    attach(service, *recent)
    show_prices([service] if service else [], customer.group)
    unavailable = "" if form is None or form.main_fields else _("This kind of service cannot be ordered here yet.")
    remarks = remarks_on(form, customer) if form else {"reason": no_service()}
    context = {
        "page": "new",
        "service": service,
        "form": form,
        "quote": more.pop("receipt", None),
        "picker": read_picker(customer, request.GET) if service is None or is_asked(request.GET) else None,
        "services": totals()[0],
        "recent": recent,
        "is_favourite": service is not None and service.pk in favourites_of(customer),
        "unavailable": unavailable,
        **remarks,
        **more,
    }
    return render(request, "orders/new.html", context)


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
        form.problems = dict(refusal.problems)
        if form.is_bound:
            filled = [name for name, value in typed.items() if value.strip()]
            # One field of a drip-feed asks for the other.
            only = [*filled, *DRIPFEED] if set(filled) & set(DRIPFEED) else filled
            form.show(refusal.problems, only=only)
        return None
    except Refusal as refusal:
        form.problems = {"service": FieldProblem(str(refusal.message))}
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
