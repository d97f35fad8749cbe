from typing import Any

from django.contrib import admin
from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing import ledger
from billing.admin.moving import Direction, move_money
from billing.models import AccountKind, Hold, Wallet
from billing.queries import reserve_of, statement
from core.read_only_admin import ReadOnlyAdmin
from core.templatetags.money import money_html

_HELD = F("charged") - F("earned") - F("refunded")

CREDIT = Direction(
    deed=ledger.credit,
    sign=1,
    title=_("Credit a wallet"),
    verb=_("Credit %(amount)s"),
    done=_("Credited %(amount)s to %(customer)s."),
    again=_("%(amount)s was credited before; nothing was added."),
)
DEBIT = Direction(
    deed=ledger.debit,
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
    """Customers' wallets: seen, credited and debited with a reason. No field of them can be edited."""

    list_display = ("customer", "balance_", "reserved_", "frozen_at", "created_at")
    list_filter = (("frozen_at", FrozenFilter),)
    list_select_related = ("customer",)
    search_fields = ("customer__email",)
    ordering = ("-balance",)
    fields = ("customer", "balance_", "reserved_", "frozen_at", "created_at")
    list_per_page = 50

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wallet]:
        open_holds = Hold.objects.filter(wallet=OuterRef("pk"), charged__gt=F("earned") + F("refunded"))
        held = open_holds.order_by().values("wallet").annotate(sum=Sum(_HELD)).values("sum")
        nothing = DecimalField(max_digits=20, decimal_places=5)
        wallets: QuerySet[Wallet] = super().get_queryset(request).filter(kind=AccountKind.WALLET)
        return wallets.annotate(reserved=Coalesce(Subquery(held), 0, output_field=nothing))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/credit/", wrap(self.credit), name="billing_wallet_credit"),
            path("<int:pk>/debit/", wrap(self.debit), name="billing_wallet_debit"),
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
                "reserve": reserve_of(wallet.customer),
                "may_move_money": self.has_move_permission(request),
            }
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def has_move_permission(self, request: HttpRequest) -> bool:
        """Who may credit and debit: those who hold "change wallet", though no form changes one."""
        return request.user.has_perm("billing.change_wallet")

    def credit(self, request: HttpRequest, pk: int) -> HttpResponse:
        return move_money(self, request, pk, CREDIT)

    def debit(self, request: HttpRequest, pk: int) -> HttpResponse:
        return move_money(self, request, pk, DEBIT)

    @admin.display(description=_("balance"), ordering="balance")
    def balance_(self, wallet: Wallet) -> SafeString:
        return money_html(wallet.balance)

    @admin.display(description=_("reserved"), ordering="reserved")
    def reserved_(self, wallet: Wallet) -> SafeString:
        return money_html(wallet.reserved)  # type: ignore[attr-defined]  # annotated by get_queryset
