"""The two pages on which staff move money by hand: amount and reason first, then a look at both, then the deed."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from billing import ledger
from billing.admin.forms import MoveMoneyForm, new_nonce
from billing.models import Wallet
from core.refusals import Refusal
from core.templatetags.money import money_text

if TYPE_CHECKING:
    from billing.admin.wallets import WalletAdmin

PAGE = "admin:billing_wallet_change"


@dataclass(frozen=True)
class Direction:
    """Into the wallet or out of it: the ledger's function, and the words around it."""

    deed: Callable[..., bool]
    sign: int
    title: str | Promise
    verb: str | Promise
    done: str | Promise
    again: str | Promise


def move_money(page: "WalletAdmin", request: HttpRequest, pk: int, way: Direction) -> HttpResponse:
    """Show the form, then what it would do; only a form that was confirmed does it. Staff without the right get 403."""
    wallet: Wallet = get_object_or_404(page.get_queryset(request), pk=pk)
    if not page.has_move_permission(request):
        raise PermissionDenied
    form = MoveMoneyForm(request.POST or None, initial={"nonce": new_nonce()})
    if request.method == "POST" and form.is_valid():
        if "confirmed" in request.POST and _do(page, request, wallet, way, form):
            return redirect(PAGE, pk)
        if not form.errors and "back" not in request.POST:
            return _render(page, request, wallet, way, form, is_asking=True)
    return _render(page, request, wallet, way, form)


def _do(page: "WalletAdmin", request: HttpRequest, wallet: Wallet, way: Direction, form: MoveMoneyForm) -> bool:
    """Move the money; False, with the reason on the form, when the ledger refuses."""
    given = form.cleaned_data
    words = {"amount": money_text(given["amount"]), "customer": wallet.customer}
    try:
        with transaction.atomic():
            is_new = way.deed(
                customer=wallet.customer,
                amount=given["amount"],
                reason=given["reason"],
                reference=f"admin:{given['nonce']}",
                actor=str(request.user),
            )
            if is_new:
                page.log_change(request, wallet, f"{way.verb % words}: {given['reason']}")
    except Refusal as refusal:
        form.add_error("amount", str(refusal.message))
        return False
    except ledger.KeyReused:
        form.add_error(None, _("This form was sent before with other figures. Open it again."))
        return False
    tell = messages.success if is_new else messages.warning
    tell(request, (way.done if is_new else way.again) % words)
    return True


def _render(
    page: "WalletAdmin",
    request: HttpRequest,
    wallet: Wallet,
    way: Direction,
    form: MoveMoneyForm,
    is_asking: bool = False,
) -> HttpResponse:
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "title": way.title,
        "opts": page.opts,
        "media": page.media,
        "wallet": wallet,
        "form": form,
        "is_asking": is_asking,
    }
    if is_asking:
        amount: Decimal = form.cleaned_data["amount"]
        context["verb"] = way.verb % {"amount": money_text(amount)}
        context["amount"] = way.sign * amount
        context["balance_after"] = wallet.balance + way.sign * amount
        context["reason"] = form.cleaned_data["reason"]
    return TemplateResponse(request, "admin/billing/wallet/move_money.html", context)
