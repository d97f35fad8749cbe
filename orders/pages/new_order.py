"""The page on which a customer orders: choose a service, fill in its fields, see the charge, place the order.

A visitor can do all of it but the last, and signs in or up with the form kept.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import CustomerRequest, ShopRequest
from billing.ledger import DepositHeld, NotEnoughMoney
from billing.queries import balance_of, funds_of
from catalog.models import Service, Unit
from catalog.prices.group_prices import show_prices
from catalog.shop.favourites import TooManyFavourites, favourites_of, mark, unmark
from catalog.shop.order_rules import rules_for
from catalog.shop.price_list import totals
from core.clock import database_now
from core.owner_texts import attach
from core.refusals import Refusal
from core.templatetags.money import money_text
from orders.checkout.fields import BadFields
from orders.checkout.placement import PriceMoved, place_order
from orders.drafts import NotKept, forget, keep_for_customer, kept_for, kept_for_visitor
from orders.pages import browse
from orders.pages.form_quotes import quote_all_fields, quote_filled_fields, sent_form
from orders.pages.forms import MAX_NONCE, OrderForm
from orders.pages.kept_forms import keep_and_sign_in
from orders.pages.picker import is_asked, named_recently, read_picker
from orders.pages.reasons import no_service
from orders.pages.receipts import QuoteReceipt
from orders.pages.remarks import remarks_on
from orders.pages.views import new_nonce, placed_message


@dataclass(frozen=True)
class PageProblem:
    """Why nothing was placed; ``add`` is the least amount that would have to be added to the balance."""

    title: str
    text: str = ""
    add: Decimal | None = None
    is_calm: bool = False


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new_order(request: ShopRequest) -> HttpResponse:
    """Show the order form; place the order when a customer sends it, keep it when a visitor does."""
    if request.method == "POST" and "service" in request.POST:
        return _place(cast("CustomerRequest", request)) if request.customer else _send_by_visitor(request)
    chosen = request.GET.get("service", "")
    service = _on_sale(chosen)
    if service is None:
        problem = PageProblem(_("This service is not sold at the moment."), _("Choose another.")) if chosen else None
        return _page(request, None, None, problem=problem)
    # The fields begin with what the address says, and with those of an earlier order of this customer or of a draft. An
    # address with a link was made for that link, but a quantity alone is only what the service's page proposes.
    customer, now = request.customer or None, database_now()
    asked = {n: request.GET[n][:2000] for n in ("link", "quantity") if request.GET.get(n)}
    fields: dict[str, str] = {}
    again = request.GET.get("again", "")
    if customer and again.isascii() and again.isdigit() and len(again) < 18:
        earlier = browse.orders_of(customer).filter(pk=int(again)).first()
        fields = dict(earlier.fields) if earlier else {}
    elif request.method == "GET":
        fields = kept_for(customer, service.pk, now=now) if customer else kept_for_visitor(request, service.pk, now=now)
        if fields and "link" not in asked:
            asked |= fields
            messages.info(request, _("Your order is as you left it. It has not been placed yet. Check its charge."))
    fields |= asked
    form = OrderForm(service, initial={**fields, "nonce": new_nonce()})
    form.focus_first_empty()
    return _page(request, service, form, receipt=quote_filled_fields(service, form, customer, now=now))


def _send_by_visitor(request: ShopRequest) -> HttpResponse:
    service, now = _on_sale(request.POST.get("service", "")), database_now()
    if service is None:
        return _page(request, None, None, problem=PageProblem(_("This service is not sold at the moment.")))
    form = sent_form(service, request.POST)
    if "check" in form.data:
        return _page(request, service, form, receipt=quote_all_fields(service, form, None, now=now))
    try:
        return keep_and_sign_in(request, service, form, now=now)
    except NotKept as refusal:
        receipt = quote_filled_fields(service, form, None, now=now)
        return _page(request, service, form, receipt=receipt, problem=PageProblem(str(refusal.message)))


def _place(request: CustomerRequest) -> HttpResponse:
    customer, service, now = request.customer, _on_sale(request.POST.get("service", "")), database_now()
    if service is None:
        problem = PageProblem(_("This service is not sold at the moment."), _("Nothing was charged."))
        return _page(request, None, None, problem=problem)
    form = sent_form(service, request.POST)
    nonce = request.POST.get("nonce", "")
    if len(nonce) > MAX_NONCE:
        raise BadRequest("the nonce is longer than that of any form of ours")

    if "star" in request.POST:
        return _star(request, service, form)
    if "keep" in request.POST:
        try:
            keep_for_customer(customer, service.pk, form.typed(), now=now)
        except NotKept as refusal:
            return _page(request, service, form, problem=PageProblem(str(refusal.message)))
        # The other values are those of a visitor's form, which was sent after signing in elsewhere.
        if request.POST["keep"] != "funds":
            return redirect(f"{reverse('orders:new')}?service={service.pk}")
        receipt = quote_all_fields(service, form, customer, now=now)
        missing = f"&missing={receipt.short_of:f}" if receipt is not None and not receipt.is_affordable else ""
        return redirect(f"{reverse('billing:add_funds')}?service={service.pk}{missing}")

    # 1. Without a charge that the page showed, or on request, only the price is computed.
    try:
        shown = Decimal(request.POST.get("shown_charge", ""))
    except InvalidOperation:
        shown = Decimal("NaN")
    if not shown.is_finite() or "check" in form.data:
        return _page(request, service, form, receipt=quote_all_fields(service, form, customer, now=now))

    # 2. Place it at that charge, or say what is in the way.
    try:
        placed = place_order(
            customer=customer,
            service_id=service.pk,
            fields=form.typed(),
            shown_charge=shown,
            nonce=nonce or None,
            now=now,
        )
    except Refusal as refusal:
        return _not_placed(request, service, form, refusal, now=now)

    # 3. On to the order's own page.
    forget(customer, service.pk)
    add_message = messages.info if placed.is_repeat else messages.success
    add_message(request, placed_message(placed.order, is_repeat=placed.is_repeat))
    return redirect("orders:order", number=placed.order.pk)


def _not_placed(
    request: CustomerRequest, service: Service, form: OrderForm, refusal: Refusal, *, now: datetime
) -> HttpResponse:
    """Say why, and show everything that was typed; what the customer may come back for is kept as well."""
    customer = request.customer
    if isinstance(refusal, BadFields):
        form.show(refusal.problems)
        general = form.non_field_errors()
        text = str(general[0]) if general else _("Please correct the fields marked below.")
        return _page(request, service, form, problem=PageProblem(_("Not placed."), text))
    if isinstance(refusal, PriceMoved):
        moved = refusal.quote
        unit = _("per package") if moved.service.unit == Unit.PER_PACKAGE else _("per 1,000")
        words = {"price": money_text(moved.price), "unit": unit, "charge": money_text(moved.charge)}
        text = _("It is now %(price)s %(unit)s, %(charge)s for this order. Check it and place the order again.") % words
        problem = PageProblem(_("The price changed while you were typing."), text, is_calm=True)
        new = QuoteReceipt.of(moved, service, funds=funds_of(customer), now=now)
        return _page(request, moved.service, form, receipt=new, problem=problem)
    with suppress(NotKept):
        keep_for_customer(customer, service.pk, form.typed(), now=now)
    receipt = quote_filled_fields(service, form, customer, now=now)
    if not isinstance(refusal, NotEnoughMoney):
        problem = PageProblem(str(refusal.message))
    elif isinstance(refusal, DepositHeld):
        text = _("Nothing was charged, and the form is kept.")
        problem = PageProblem(str(refusal.message), text, add=receipt.short_of if receipt else None)
    elif receipt is None:
        problem = PageProblem(_("Not placed: your balance is too small."), _("Nothing was charged."))
    else:
        figures = {"balance": money_text(balance_of(customer)), "charge": money_text(receipt.charge)}
        title = _("Not placed: your balance is %(balance)s, the order costs %(charge)s.") % figures
        problem = PageProblem(title, _("Nothing was charged, and the form is kept."), add=receipt.short_of)
    return _page(request, service, form, receipt=receipt, problem=problem)


@require_POST
def quote_fragment(request: ShopRequest) -> HttpResponse:
    """Return the receipt for the form as it is now, with the problem of each field that is not empty."""
    customer, service = request.customer or None, _on_sale(request.POST.get("service", ""))
    if service is None:
        context: dict[str, Any] = {"unavailable": _("This service is not sold at the moment."), "oob": True}
        return render(request, "orders/receipt.html", context)
    form = OrderForm(service, request.POST)
    receipt = quote_filled_fields(service, form, customer, now=database_now())
    context = {"service": service, "form": form, "quote": receipt, "oob": True, **remarks_on(form, customer)}
    return render(request, "orders/quote.html", context)


@require_safe
def services(request: ShopRequest) -> HttpResponse:
    """Return the picker's tree and list for what was typed or chosen in it."""
    return render(request, "orders/services.html", {"picker": read_picker(request.customer or None, request.GET)})


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


def _page(request: ShopRequest, service: Service | None, form: OrderForm | None, **more: Any) -> HttpResponse:
    customer = request.customer or None
    recent = named_recently(customer) if customer else []
    attach(service, *recent)
    show_prices([service] if service else [], customer)
    unavailable = "" if form is None or form.main_fields else _("This kind of service cannot be ordered here yet.")
    remarks = remarks_on(form, customer) if form else {"reason": no_service()}
    context = {
        "page": "new",
        "service": service,
        "form": form,
        "quote": more.pop("receipt", None),
        "picker": read_picker(customer, request.GET) if service is None or is_asked(request.GET) else None,
        "rules": rules_for(service) if service else [],
        "services": totals()[0],
        "recent": recent,
        "is_favourite": bool(customer and service and service.pk in favourites_of(customer)),
        "unavailable": unavailable,
        **remarks,
        **more,
    }
    return render(request, "orders/new.html", context)


def _on_sale(number: str) -> Service | None:
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    return Service.objects.on_sale().select_related("source__provider", "category").filter(pk=int(number)).first()
