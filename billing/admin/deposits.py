from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from billing.models import DepositRule
from core.shop_admin import ShopModelAdmin


@admin.register(DepositRule)
class DepositRuleAdmin(ShopModelAdmin):
    """Which top-ups cannot be spent at once. A change holds for what is credited from then on."""

    list_display = ("method_", "younger_than_days", "least", "hours", "is_on")
    list_display_links = ("method_",)
    list_filter = ("is_on", "method")
    list_select_related = ("method",)
    fields = ("method", "younger_than_days", "least", "hours", "is_on")

    @admin.display(description=_("payment method"), ordering="method")
    def method_(self, rule: DepositRule) -> str:
        return str(rule.method) if rule.method else str(_("Every method"))
