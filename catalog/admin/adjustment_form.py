"""Which services a price adjustment is for, as the list of services filters them, and by how much."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from catalog.admin.service_filters import MARGINS, STATES, in_state, with_margin
from catalog.admin.service_form import PercentField
from catalog.models import Category, PriceAdjustment, Provider, Service
from core.numbers import NumberField
from core.quick_select import QuickSelect
from core.shop_admin import ShopModelAdmin

#: The fields whose names in the addresses of the list are others.
_IN_THE_LIST = {"source__provider__id__exact": "provider", "source__type": "type"}
#: Prices that leave less are pointed out, in percent of the price, unless the owner asks for another figure.
USUAL_FLOOR = 10


class AdjustmentForm(forms.Form):
    """Which services, and by how much. Empty choices mean all of them."""

    q = forms.CharField(label=_("Number or words"), required=False, max_length=200)
    category = forms.ModelChoiceField(
        label=_("Category"), required=False, queryset=Category.objects.all(), widget=QuickSelect,
        empty_label=_("Any category"),
    )  # fmt: skip
    platform = forms.ChoiceField(label=_("Platform"), required=False)
    provider = forms.ModelChoiceField(
        label=_("Provider"), required=False, queryset=Provider.objects.all(), empty_label=_("Any provider")
    )
    type = forms.ChoiceField(label=_("Type"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("Any state")), *STATES.items()])
    margin = forms.ChoiceField(label=_("Margin"), required=False, choices=[("", _("Any margin")), *MARGINS.items()])
    adjustment = forms.ModelChoiceField(
        required=False, queryset=PriceAdjustment.objects.all(), widget=forms.HiddenInput
    )
    percent = PercentField(label=_("Change, %"), help_text=_("5 for 5 % more than now, −5 for 5 % less"))
    floor = NumberField(
        label=_("Point out margins below, %"), required=False, max_digits=4, decimal_places=1, min_value=0,
        max_value=90, initial=USUAL_FLOOR,
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, column, every in (
            ("platform", "platform", _t("Any platform")), ("type", "source__type", _t("Any type")),
        ):  # fmt: skip
            found = Service.objects.order_by(column).values_list(column, flat=True).distinct()
            self.fields[name].choices = [("", every), *((v, v) for v in found if v)]  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(request: HttpRequest) -> dict[str, str]:
        """Return the filters of the list of services in the address of ``request``, by the names of the fields."""
        return {_IN_THE_LIST.get(name, name): str(value) for name, value in request.GET.items()}

    def services(self, request: HttpRequest, listed: ShopModelAdmin) -> QuerySet[Service]:
        """Return the chosen services; ``listed`` is the page of their list, whose search this is."""
        asked = self.cleaned_data
        chosen: QuerySet[Service] = Service.objects.all()
        if asked["q"]:
            chosen, _has_doubles = listed.get_search_results(request, chosen, asked["q"])
        same = {"category": "category", "platform": "platform", "provider": "source__provider", "type": "source__type"}
        chosen = chosen.filter(**{column: asked[name] for name, column in same.items() if asked[name]})
        if asked["adjustment"]:
            chosen = chosen.filter(adjustments=asked["adjustment"])
        if asked["margin"]:
            chosen = with_margin(chosen, asked["margin"])
        return in_state(chosen, asked["state"])

    def words(self) -> str:
        """Return the choice as the owner reads it in the list of adjustments."""
        asked = self.cleaned_data
        chosen = [str(asked[name]) for name in ("category", "platform", "provider", "type") if asked[name]]
        chosen += [f"“{asked['q']}”"] if asked["q"] else []
        chosen += [str(STATES[asked["state"]])] if asked["state"] else []
        chosen += [_t("Margin: %(range)s") % {"range": MARGINS[asked["margin"]]}] if asked["margin"] else []
        chosen += [str(asked["adjustment"])] if asked["adjustment"] else []
        return ", ".join(chosen) or _t("All services")
