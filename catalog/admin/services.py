from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.admin.figures import cost_html, heard_html, margin_text, price_html
from catalog.admin.history import log_each
from catalog.locks import locked
from catalog.models import Service
from catalog.selling import PINNABLE, sell_again
from catalog.texts import description_html

_PIN_LABELS = {
    "name": _("name"),
    "description": _("description"),
    "category": _("category"),
    "min": _("min"),
    "max": _("max"),
    "position": _("position"),
}


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    pins = forms.MultipleChoiceField(
        label=_("Own values"),
        required=False,
        choices=[(name, _PIN_LABELS[name]) for name in PINNABLE],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("These no longer follow the provider. A value you edit is added; take it out to follow again."),
    )

    class Meta:
        model = Service
        fields = ("name", "description", "category", "min", "max", "position", "is_visible", "pins")

    def clean_description(self) -> str:
        """Shown as HTML, so an owner's text is cleaned like a provider's."""
        return description_html(self.cleaned_data["description"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        edited = {name for name in self.changed_data if name in PINNABLE}
        cleaned["pins"] = [name for name in PINNABLE if name in edited or name in cleaned.get("pins", [])]
        return cleaned


@admin.register(Service)
class ServiceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """What is sold: its cost, markup and price, and what the owner says about it."""

    form = ServiceForm
    list_display = (
        "id", "name_", "provider", "category", "rate_", "cost_", "markup", "price_", "margin", "on_sale", "is_visible",
    )  # fmt: skip
    list_display_links = ("id", "name_")
    list_editable = ("is_visible",)
    list_filter = ("source__provider", "is_visible", "platform", "source__type")
    search_fields = ("=id", "search_text", "=source__external_id")
    ordering = ("category__position", "position", "id")
    list_select_related = ("category", "source__provider")
    list_per_page = 100
    show_full_result_count = False
    actions = ("show", "hide")
    autocomplete_fields = ("category",)
    readonly_fields = ("provider", "rate_", "cost_", "markup", "price_", "margin", "on_sale")
    fieldsets = (
        (None, {"fields": ("name", "category", "description", ("min", "max"), "position", "is_visible", "pins")}),
        (_("Price"), {"fields": readonly_fields}),
    )

    class Media:
        css = {"all": ["admin-parts.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Services come from providers' lists."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Orders name their service for ever; one that is not wanted is hidden."""
        return False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What is on sale is asked once, for the rows of this page: asked for all, it would cost more than the page."""
        page = super().get_changelist_instance(request)
        shown = Service.objects.on_sale().filter(pk__in=[service.pk for service in page.result_list])
        selling = set(shown.values_list("pk", flat=True))
        for service in page.result_list:
            service.sells = service.pk in selling
        return page

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        """What is not pinned follows the provider at once, and the text that is searched follows both."""
        if not form.changed_data:
            return
        provider = locked(obj.source.provider_id)
        obj.save(update_fields={*form.changed_data, "pins"} if "pins" in form.fields else form.changed_data)
        if set(form.changed_data) - {"is_visible"}:
            sell_again(provider, [obj.source.external_id])

    @admin.action(description=_("Show in the shop"), permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._set_visible(request, queryset, True)

    @admin.action(description=_("Hide from the shop"), permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._set_visible(request, queryset, False)

    def _set_visible(self, request: HttpRequest, queryset: QuerySet[Service], is_visible: bool) -> None:
        others = list(queryset.exclude(is_visible=is_visible))
        Service.objects.filter(pk__in=[service.pk for service in others]).update(is_visible=is_visible)
        log_each(request, others, _t("Shown") if is_visible else _t("Hidden"))
        told = ngettext("%(n)s service changed.", "%(n)s services changed.", len(others))
        self.message_user(request, told % {"n": f"{len(others):,}"})

    @admin.display(description=_("name"), ordering="name")
    def name_(self, service: Service) -> SafeString:
        return format_html("<bdi>{}</bdi>", service.name)

    @admin.display(description=_("provider"), ordering="source__provider__name")
    def provider(self, service: Service) -> str:
        return service.source.provider.name

    @admin.display(description=_("rate"), ordering="source__rate")
    def rate_(self, service: Service) -> SafeString | str:
        return heard_html(service.source.rate, service.source.provider.currency)

    @admin.display(description=_("cost"), ordering="source__rate")
    def cost_(self, service: Service) -> SafeString | str:
        return cost_html(service.source.rate, service.source.provider)

    @admin.display(description=_("markup"))
    def markup(self, service: Service) -> str:
        return f"{service.source.provider.markup_percent.normalize():f} %"

    @admin.display(description=_("price"), ordering="price")
    def price_(self, service: Service) -> SafeString | str:
        return price_html(service.price)

    @admin.display(description=_("margin"))
    def margin(self, service: Service) -> str:
        return margin_text(service.price, service.source.rate, service.source.provider)

    @admin.display(description=_("on sale"), boolean=True)
    def on_sale(self, service: Service) -> bool:
        if hasattr(service, "sells"):
            return bool(service.sells)
        return Service.objects.on_sale().filter(pk=service.pk).exists()
