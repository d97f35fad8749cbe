from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.reason_form import ReasonForm
from billing.admin.moving import Direction, may_move_money, move_money, page_after
from billing.by_hand import credit_by_hand, debit_by_hand
from billing.models import AccountKind, Hold, Wallet
from billing.queries import open_holds_of, statement
from core.read_only_admin import ReadOnlyAdmin
from core.templatetags.money import money_html, money_text

_HELD = F("charged") - F("earned") - F("refunded")

CREDIT = Direction(
    move=credit_by_hand,
    sign=1,
    title=_("Credit a wallet"),
    verb=_("Credit %(amount)s"),
    done=_("Credited %(amount)s to %(customer)s."),
    again=_("%(amount)s was credited before; nothing was added."),
)
DEBIT = Direction(
    move=debit_by_hand,
    sign=-1,
    title=_("Debit a wallet"),
    verb=_("Debit %(amount)s"),
    done=_("Debited %(amount)s from %(customer)s."),
    again=_("%(amount)s was debited before; nothing was taken."),
)


class FrozenFilter(admin.EmptyFieldListFilter):
    """Wallets that are frozen, and those that are not."""


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    """Customers' wallets: staff see, credit and debit them, with a reason. No field can be edited."""

    list_display = ("customer", "balance_", "held_", "frozen_at", "created_at")
    list_filter = (("frozen_at", FrozenFilter),)
    list_select_related = ("customer",)
    search_fields = ("customer__email",)
    ordering = ("-balance",)
    fields = ("customer", "balance_", "held_", "frozen_at", "created_at")
    list_per_page = 50

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wallet]:
        open_holds = Hold.objects.filter(wallet=OuterRef("pk"), charged__gt=F("earned") + F("refunded"))
        held = open_holds.order_by().values("wallet").annotate(sum=Sum(_HELD)).values("sum")
        nothing = DecimalField(max_digits=20, decimal_places=5)
        wallets: QuerySet[Wallet] = super().get_queryset(request).filter(kind=AccountKind.WALLET)
        return wallets.annotate(held=Coalesce(Subquery(held), 0, output_field=nothing))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/credit/", wrap(self.credit), name="billing_wallet_credit"),
            path("<int:pk>/debit/", wrap(self.debit), name="billing_wallet_debit"),
            path("<int:pk>/unfreeze/", wrap(self.unfreeze), name="billing_wallet_unfreeze"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        wallet = self.get_object(request, object_id)
        about: dict[str, Any] = {}
        if wallet is not None and wallet.customer is not None and self.has_view_permission(request, wallet):
            about = {
                "entries": statement(wallet.customer).entries,
                "open_holds": open_holds_of(wallet.customer),
                "may_move_money": may_move_money(request),
            }
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def credit(self, request: HttpRequest, pk: int) -> HttpResponse:
        return move_money(self, request, pk, CREDIT)

    def debit(self, request: HttpRequest, pk: int) -> HttpResponse:
        return move_money(self, request, pk, DEBIT)

    def unfreeze(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason, and let the customer use a frozen wallet again."""
        wallet = get_object_or_404(self.get_queryset(request).select_related("customer"), pk=pk)
        if not may_move_money(request):
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                before, reason = {"frozen_at": wallet.frozen_at}, form.cleaned_data["reason"]
                is_new = Wallet.objects.filter(pk=pk, frozen_at__isnull=False).update(frozen_at=None)
                if is_new:
                    self.record(request, wallet, "wallet.unfreeze", _t("Unfrozen"), reason=reason, before=before)
            said = _t("The wallet can be used again.") if is_new else _t("The wallet was not frozen.")
            messages.success(request, said)
            return redirect(*page_after(request, wallet))
        effects = [
            (_t("Now"), _t("%(balance)s can be spent again.") % {"balance": money_text(wallet.balance)}),
            (_t("Why it is frozen"), _t("A payment into it was disputed or taken back.")),
        ]
        page = {
            **self.admin_site.each_context(request), "title": _t("Unfreeze the wallet"), "customer": wallet.customer,
            "button": _t("Unfreeze"), "verb": "unfreeze", "effects": effects, "form": form,
        }  # fmt: skip
        return TemplateResponse(request, "admin/cockpit/customer_ask.html", page)

    @admin.display(description=_("balance"), ordering="balance")
    def balance_(self, wallet: Wallet) -> SafeString:
        return money_html(wallet.balance)

    @admin.display(description=_("held"), ordering="held")
    def held_(self, wallet: Wallet) -> SafeString:
        return money_html(wallet.held)  # type: ignore[attr-defined]  # annotated by get_queryset
