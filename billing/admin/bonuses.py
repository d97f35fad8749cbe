from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing.models import BonusRule, Code, Transfer
from billing.models.settings import money_settings
from core.shop_admin import ShopModelAdmin


@admin.register(BonusRule)
class BonusRuleAdmin(ShopModelAdmin):
    """The owner's bonuses. Top-ups that have started keep theirs."""

    list_display = ("method", "is_first", "least", "percent", "most", "is_on")
    list_display_links = ("method", "percent")
    list_filter = ("is_first", "is_on", "method")
    list_select_related = ("method",)
    fields = ("method", "is_first", "least", "percent", "most", "is_on")


class LargeCreditFilter(admin.SimpleListFilter):
    """Credits by hand, and top-ups from the amount that the owner set on."""

    title = _("large credits")
    parameter_name = "large"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("By hand, or large"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transfer]) -> QuerySet[Transfer]:
        if self.value() != "1":
            return queryset
        by_hand = Q(code__in=(Code.CREDIT, Code.DEBIT))
        return queryset.filter(by_hand | Q(code=Code.TOPUP, amount__gte=money_settings().list_from))
