from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timesince import timesince
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from catalog.admin.cells import CellForm
from catalog.models import DisplayCurrency
from core.clock import database_now
from core.shop_admin import ShopModelAdmin
from core.templatetags.shop import state_html

#: The list says of an older rate that it is old. Nothing else happens to it.
OLD_AFTER = timedelta(days=30)


class DisplayCurrencyForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    class Meta:
        model = DisplayCurrency
        fields = ("code", "rate", "decimals", "position", "is_shown")

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).upper()
        if code == settings.SHOP_CURRENCY:
            raise ValidationError(_t("Prices are in %(code)s already.") % {"code": code})
        return code


@admin.register(DisplayCurrency)
class DisplayCurrencyAdmin(ShopModelAdmin):
    """Currencies in which prices are shown next to the shop's own, at rates that the owner sets."""

    form = DisplayCurrencyForm
    list_display = ("code", "rate", "age_", "decimals", "position", "is_shown")
    list_editable = ("rate", "position", "is_shown")
    ordering = ("position", "code")
    actions = ("confirm_rates",)

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": CellForm, **kwargs})

    def save_model(self, request: HttpRequest, obj: DisplayCurrency, form: Any, change: bool) -> None:
        if "rate" in form.changed_data:
            obj.rated_at = database_now()
        super().save_model(request, obj, form, change)

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    @admin.action(description=_("The rates of the selected currencies are still right"), permissions=["confirm"])
    def confirm_rates(self, request: HttpRequest, queryset: QuerySet[DisplayCurrency]) -> None:
        now = database_now()
        with transaction.atomic():
            confirmed = list(queryset.select_for_update())
            DisplayCurrency.objects.filter(pk__in=[currency.pk for currency in confirmed]).update(rated_at=now)
            self.record_each(request, confirmed, "displaycurrency.confirm", _t("Rate confirmed"))

    @admin.display(description=_("rate of"), ordering="rated_at")
    def age_(self, currency: DisplayCurrency) -> str:
        now = database_now()
        age = _t("%(time)s ago") % {"time": timesince(currency.rated_at, now)}
        if now - currency.rated_at <= OLD_AFTER:
            return age
        return state_html("is-partial", "triangle-alert", _t("%(age)s: enter today’s rate") % {"age": age})
