from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from catalog.models import OrderRules
from catalog.shop.platforms import BY_SLUG, PLATFORMS
from core.owner_texts_admin import OwnerTextsAdmin


class OrderRulesForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    platform = forms.ChoiceField(
        label=_("Platform"),
        required=False,
        choices=[("", _("All")), *((platform.slug, platform.name) for platform in PLATFORMS)],
    )

    class Meta:
        model = OrderRules
        fields = ("text", "position", "platform", "category", "type", "service")


@admin.register(OrderRules)
class OrderRulesAdmin(OwnerTextsAdmin):
    """Texts of order forms, by service, category, platform or type."""

    form = OrderRulesForm
    texts = ("text",)
    list_display = ("text_", "holds_for", "position")
    list_editable = ("position",)
    list_display_links = ("text_",)
    list_filter = ("platform", "type")
    search_fields = ("text", "=service__id")
    autocomplete_fields = ("service", "category")
    fieldsets = (
        (None, {"fields": ("text", "position")}),
        (
            _("Where it is shown"),
            {
                "description": _("Beside the forms that all of these fit; empty fits all."),
                "fields": ("platform", "category", "type", "service"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderRules]:
        rules: QuerySet[OrderRules] = super().get_queryset(request)
        return rules.select_related("service", "category")

    @admin.display(description=_("text"), ordering="text")
    def text_(self, rules: OrderRules) -> str:
        return rules.text if len(rules.text) <= 80 else f"{rules.text[:80]}…"

    @admin.display(description=_("shown for"))
    def holds_for(self, rules: OrderRules) -> str:
        if rules.service is not None:
            return str(rules.service)
        parts: list[Any] = [_platform(rules.platform), rules.category, rules.get_type_display()]
        return " · ".join(str(part) for part in parts if part) or str(_("All services"))


def _platform(slug: str) -> str:
    return BY_SLUG[slug].name if slug in BY_SLUG else slug
