from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from catalog.models import Category, ProviderService, Service
from catalog.shop.equivalents import NotEquivalent, check_equivalent
from catalog.shop.publishing import PINNABLE
from catalog.texts import description_html
from core.numbers import NumberField
from core.quick_select import QuickSelect

_PIN_LABELS = {
    "name": _("name"),
    "description": _("description"),
    "category": _("category"),
    "min": _("min"),
    "max": _("max"),
    "position": _("position"),
}


class PercentField(NumberField):
    """A percentage with or without its sign: 5, +5, −2.5."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**{"max_digits": 8, "decimal_places": 2, **how})

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]  # the stubs think of IntegerField
        text = value.strip().removesuffix("%").removeprefix("+") if isinstance(value, str) else value
        return super().to_python(text)


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    pins = forms.MultipleChoiceField(
        label=_("Own values"),
        required=False,
        choices=[(name, _PIN_LABELS[name]) for name in PINNABLE],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("These fields do not follow the provider. A field you edit is added; uncheck it to follow again."),
    )
    move_to = forms.ModelChoiceField(
        label=_("Sell from another row"),
        required=False,
        queryset=ProviderService.objects.all(),
        widget=AutocompleteSelect(Service._meta.get_field("source"), admin.site),
        help_text=_("Customers see the same id, name and position; cost, limits and abilities come from the new row."),
    )

    class Meta:
        model = Service
        fields = (
            "name", "description", "category", "min", "max", "position", "is_visible", "own_price", "badges",
            "own_time", "own_refill_days", "own_refill_opens_hours", "own_same_link", "fallback", "pins",
        )  # fmt: skip

    def clean_description(self) -> str:
        """The description is shown as HTML, so the owner's text is cleaned like a provider's."""
        return description_html(self.cleaned_data["description"])

    def clean_fallback(self) -> ProviderService | None:
        return self._equivalent(self.cleaned_data["fallback"])

    def clean_move_to(self) -> ProviderService | None:
        return self._equivalent(self.cleaned_data["move_to"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        edited = {name for name in self.changed_data if name in PINNABLE}
        cleaned["pins"] = [name for name in PINNABLE if name in edited or name in cleaned.get("pins", [])]
        return cleaned

    def _equivalent(self, other: ProviderService | None) -> ProviderService | None:
        if other is not None:
            try:
                check_equivalent(self.instance, other)
            except NotEquivalent as refusal:
                raise ValidationError(str(refusal.message)) from None
        return other


class ServiceActionForm(ActionForm):
    """The values that the bulk actions need."""

    to_category = forms.ModelChoiceField(
        label=_("Category"), required=False, queryset=Category.objects.all(), widget=QuickSelect
    )
    percent = PercentField(label=_("Percent"), required=False)
