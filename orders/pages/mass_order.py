"""The page of a mass order: type or upload many orders, see what each costs and what is wrong, place the good ones.

What is typed is kept first and shown afterwards, so that the page can be left and loaded again at any time.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.db.models import F
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import CustomerRequest
from billing.csvtext import harmless
from billing.ledger import DepositHeld, NotEnoughMoney
from billing.queries import funds_of
from core.clock import database_now
from core.refusals import Refusal
from core.templatetags.money import money_text
from orders.mass.checking import Checked, StillChecking, check_alone
from orders.mass.drafts import keep, kept_for
from orders.mass.placing import MassPlacement, place_lines
from orders.mass.reading import MOST_CHARACTERS, MOST_LINES, corrected, joined, read_lines, table_to_text, text_of, tidy
from orders.models import MassOrder
from orders.pages.forms import MAX_NONCE
from orders.pages.mass_placed import csv_file
from orders.pages.mass_words import MassPage, reason_of
from orders.pages.views import new_nonce

#: Lines with fields of their own on the page; the others are corrected in the box. Each is two parts of the form, of
#: which `storefront.incoming` lets 200 pass.
MOST_FIELDS = 80
#: Mass orders that are listed below the box.
MOST_EARLIER = 5
#: More than any page shows. Written out, a number such as 1e999999 would fill the page.
_NO_PRICE = Decimal(10**12)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def mass_order(request: CustomerRequest) -> HttpResponse:
    """Show the lines that are kept, checked; keep what is sent, correct it, or place it."""
    if request.method == "POST":
        return _send(request)
    kept = kept_for(request.customer, now=database_now())
    try:
        return _page(request, kept.text, kept.risen)
    except Refusal as refusal:
        return _page(request, kept.text, {}, problem=str(refusal.message), is_checked=False)


def _send(request: CustomerRequest) -> HttpResponse:
    customer, now = request.customer, database_now()
    text = tidy(request.POST.get("lines", ""))
    nonce = request.POST.get("nonce", "")
    if len(nonce) > MAX_NONCE:
        raise BadRequest("the nonce is longer than that of any form of ours")
    if "clear" in request.POST:
        keep(customer, "", now=now)
        return redirect("orders:mass")

    # 1. All that was typed or uploaded, as one text.
    try:
        text = corrected(text, _changes(request))
        if (upload := request.FILES.get("table")) is not None:
            text = joined(text, table_to_text(upload.read()))
        lines = read_lines(text)
    except Refusal as refusal:
        return _page(request, text, {}, problem=str(refusal.message), is_checked=False)

    # 2. Place what was checked: if something was typed since, nobody has seen what it costs.
    if "place" in request.POST and nonce and upload is None and _digest(text) == request.POST.get("checked", ""):
        try:
            placed = place_lines(customer=customer, lines=lines, shown=_shown(request), nonce=nonce, now=now, text=text)
        except Refusal as refusal:
            keep(customer, text, now=now, risen=_shown(request))
            messages.error(request, _not_placed(refusal))
            return redirect("orders:mass")
        _say_placed(request, placed)
        return redirect("orders:mass_placed", number=placed.mass.pk)

    # 3. Else correct what was asked for, keep it all, and show it checked.
    if "fix" in request.POST:
        try:
            text = _fixed(request, text, now)
        except Refusal as refusal:
            keep(customer, text, now=now)
            return _page(request, text, {}, problem=str(refusal.message))
    elif "place" in request.POST:
        messages.info(request, _("You changed something after it was checked. Nothing was placed; check it again."))
    keep(customer, text, now=now)
    return redirect(f"{reverse('orders:mass')}#found")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _changes(request: CustomerRequest) -> list[tuple[int, str, str]]:
    """Return what was typed into the fields of single lines."""
    sent = request.POST
    numbers = [name[5:] for name in sent if name.startswith("line-") and name[5:].isascii() and name[5:].isdigit()]
    numbers = [number for number in numbers if len(number) < 8 and f"was-{number}" in sent]
    return [(int(number), sent[f"was-{number}"], sent[f"line-{number}"]) for number in numbers]


def _shown(request: CustomerRequest) -> dict[int, Decimal]:
    """Return the price of each service as the page showed it; nothing of what no page of ours says."""
    try:
        given = json.loads(request.POST.get("shown", ""))
        prices = {int(service): Decimal(str(price)) for service, price in dict(given).items()}
    except (ValueError, TypeError, OverflowError, InvalidOperation, RecursionError):
        return {}
    prices = {service: price for service, price in prices.items() if price.is_finite() and abs(service) < 2**62}
    return {service: price for service, price in prices.items() if 0 <= price < _NO_PRICE}


def _fixed(request: CustomerRequest, text: str, now: Any) -> str:
    """Return the text with one line corrected as offered, or all that have the same fault.

    Raises TooLong if it would be longer than what can be read again.
    """
    lines = read_lines(text)
    checked = check_alone(lines, customer_id=request.customer.pk, now=now)
    wanted = request.POST["fix"]
    if wanted == "same":
        fixed = text_of(c.line for c in checked if c.same_as is None)
    else:
        changes = [
            (c.line.number, c.line.text, c.fix)
            for c in checked
            if c.fix and (wanted == str(c.line.number) or (c.fault is not None and wanted == f"all-{c.fault}"))
        ]
        fixed = corrected(text, changes)
    read_lines(fixed)
    return fixed


def _not_placed(refusal: Refusal) -> str:
    if isinstance(refusal, DepositHeld):
        return _("Nothing was placed: a part of your balance cannot be spent yet. Every line is kept.")
    if isinstance(refusal, NotEnoughMoney):
        return _("Nothing was placed: your balance is too small for all of it. Every line is kept.")
    return str(refusal.message)


def _say_placed(request: CustomerRequest, placed: MassPlacement) -> None:
    count = len(placed.mass.numbers)
    words = {"count": f"{count:,}", "charge": money_text(placed.mass.charge)}
    if placed.is_repeat:
        messages.info(request, _("This form has placed its orders before. Nothing was charged again."))
    else:
        text = ngettext(
            "%(count)s order placed. %(charge)s is reserved.", "%(count)s orders placed. %(charge)s is reserved.", count
        )
        messages.success(request, text % words)


def _page(
    request: CustomerRequest, text: str, risen: dict[int, Decimal], *, problem: str = "", is_checked: bool = True
) -> HttpResponse:
    now = database_now()
    checked: list[Checked] = []
    if is_checked:
        try:
            checked = check_alone(read_lines(text), customer_id=request.customer.pk, now=now)
        except StillChecking as refusal:
            problem, is_checked = str(refusal.message), False
    found, funds = MassPage.of(checked, risen, most=MOST_FIELDS), funds_of(request.customer)
    context: dict[str, Any] = {
        "page": "mass",
        "text": text,
        "digest": _digest(text) if is_checked else "",
        "nonce": new_nonce(),
        "problem": problem,
        "found": found,
        "funds": funds,
        "balance_after": funds.balance - found.charge,
        "short_of": found.charge - funds.spendable,
        "short_of_plain": f"{found.charge - funds.spendable:f}",
        "most_lines": MOST_LINES,
        "most_characters": MOST_CHARACTERS,
        "earlier": _earlier(request),
    }
    return render(request, "orders/mass.html", context)


def _earlier(request: CustomerRequest) -> Iterable[Mapping[str, Any]]:
    """Return number, time, count of orders and charge of the newest mass orders."""
    rows = MassOrder.objects.filter(customer=request.customer).order_by("-id")
    return rows.values("pk", "created_at", "charge", count=F("numbers__len"))[:MOST_EARLIER]


@require_safe
@login_required
def left_csv(request: CustomerRequest) -> HttpResponseBase:
    """Return the lines that cannot be placed as a table, with their reasons; lead to the page if they are too many."""
    now = database_now()
    try:
        lines = read_lines(kept_for(request.customer, now=now).text)
        checked = [c for c in check_alone(lines, customer_id=request.customer.pk, now=now) if c.quote is None]
    except Refusal:
        return redirect("orders:mass")

    def cells() -> Iterator[list[str]]:
        yield [_("Line"), _("What stands there"), _("Reason")]
        for c in checked:
            yield [str(c.line.number), harmless(c.line.text), harmless(reason_of(c))]

    return csv_file(cells(), "lines.csv")
