"""The two pages on which staff move money by hand: a form for amount and reason, then a confirmation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from billing import ledger
from billing.admin.forms import MoveMoneyForm, new_nonce
from billing.models import Wallet
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.staff_actions import staff_actor
from core.templatetags.money import money_text


@dataclass(frozen=True)
class Direction:
    """Into the wallet or out of it: the operation, and the words on the pages."""

    move: Callable[..., bool]
    sign: int
    title: str | Promise
    verb: str | Promise
    done: str | Promise
    again: str | Promise


def may_move_money(request: HttpRequest) -> bool:
    """True for staff with the permission "change wallet", though no form changes one."""
    return request.user.has_perm("billing.change_wallet")


def page_after(request: HttpRequest, wallet: Wallet) -> tuple[str, int]:
    """Return the page on which staff read what they did to a wallet: its customer's, for those who may see people."""
    if wallet.customer_id is not None and request.user.has_perm("accounts.view_user"):
        return "admin:accounts_user_change", wallet.customer_id
    return "admin:billing_wallet_change", wallet.pk


def move_money(page: ReadOnlyAdmin, request: HttpRequest, pk: int, way: Direction) -> HttpResponse:
    """Show the form, then its confirmation; move the money once it is confirmed. Staff without the right get 403."""
    wallet: Wallet = get_object_or_404(page.get_queryset(request), pk=pk)
    if not may_move_money(request):
        raise PermissionDenied
    form = MoveMoneyForm(request.POST or None, initial={"nonce": new_nonce()})
    is_sent = request.method == "POST" and form.is_valid()
    if is_sent and "confirmed" in request.POST and _move(page, request, wallet, way, form):
        return redirect(*page_after(request, wallet))
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "title": way.title,
        "opts": page.opts,
        "media": page.media,
        "wallet": wallet,
        "form": form,
        "is_asking": False,
    }
    if is_sent and not form.errors and "back" not in request.POST:
        amount = form.cleaned_data["amount"]
        context |= {
            "is_asking": True,
            "verb": way.verb % {"amount": money_text(amount)},
            "amount": way.sign * amount,
            "balance_after": wallet.balance + way.sign * amount,
            "reason": form.cleaned_data["reason"],
        }
    return TemplateResponse(request, "admin/billing/wallet/move_money.html", context)


def _move(page: ReadOnlyAdmin, request: HttpRequest, wallet: Wallet, way: Direction, form: MoveMoneyForm) -> bool:
    """Move the money; return False, with the reason on the form, if it is refused."""
    given = form.cleaned_data
    words = {"amount": money_text(given["amount"]), "customer": wallet.customer}
    try:
        is_new = way.move(
            wallet=wallet, amount=given["amount"], reason=given["reason"], nonce=given["nonce"],
            actor=staff_actor(request),
        )  # fmt: skip
    except Refusal as refusal:
        form.add_error("amount", str(refusal.message))
        return False
    except ledger.KeyReused:
        form.add_error(None, _("This form was sent before with other amounts. Open it again."))
        return False
    if is_new:
        page.note_in_history(request, wallet, f"{way.verb % words}: {given['reason']}")
    show = messages.success if is_new else messages.warning
    show(request, (way.done if is_new else way.again) % words)
    return True
