from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.models import Hold, Transfer
from core.read_only_admin import ReadOnlyAdmin
from core.templatetags.money import money_html


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "code", "source", "target", "amount_", "reference", "memo", "actor")
    list_display_links = ("created_at",)
    list_filter = ("code", "created_at")
    list_select_related = ("source", "target")
    search_fields = ("=reference", "=key", "=source__customer__email", "=target__customer__email")
    search_help_text = _("Reference such as order:1042, key, or the whole e-mail address of a customer")
    fields = ("created_at", "code", "source", "target", "amount_", "reference", "key", "memo", "actor")
    list_per_page = 50

    @admin.display(description=_("amount"), ordering="amount")
    def amount_(self, transfer: Transfer) -> SafeString:
        return money_html(transfer.amount)


class OpenFilter(admin.SimpleListFilter):
    title = _("money")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [("1", _("Still held")), ("0", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Hold]) -> QuerySet[Hold]:
        spent = F("earned") + F("refunded")
        if self.value() == "1":
            return queryset.filter(charged__gt=spent)
        return queryset.filter(charged=spent) if self.value() == "0" else queryset


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("reference", "wallet", "charged_", "held_", "earned_", "refunded_")
    list_filter = (OpenFilter,)
    list_select_related = ("wallet",)
    search_fields = ("=reference", "=wallet__customer__email")
    search_help_text = _("Reference such as order:1042, or the whole e-mail address of a customer")
    fields = list_display
    # References are text: by the alphabet, order 9 would stand above order 1000.
    ordering = (Length("reference").desc(), "-reference")
    list_per_page = 50

    @admin.display(description=_("charged"), ordering="charged")
    def charged_(self, hold: Hold) -> SafeString:
        return money_html(hold.charged)

    @admin.display(description=_("held"))
    def held_(self, hold: Hold) -> SafeString:
        held: Decimal = hold.charged - hold.earned - hold.refunded
        return money_html(held)

    @admin.display(description=_("earned"), ordering="earned")
    def earned_(self, hold: Hold) -> SafeString:
        return money_html(hold.earned)

    @admin.display(description=_("refunded"), ordering="refunded")
    def refunded_(self, hold: Hold) -> SafeString:
        return money_html(hold.refunded)
