from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.admin.adjustments import adjust_prices
from catalog.admin.cells import CellForm
from catalog.admin.figures import NOTHING, cost_html, margin_text, price_html, provider_amount_html
from catalog.admin.ordered_list import OrderedChangeList
from catalog.admin.price_pages import price_urls
from catalog.admin.price_preview import PricePreviewAdmin, note_for_preview, note_typed_price
from catalog.admin.service_filters import (
    AdjustmentFilter,
    CategoryFilter,
    MarginFilter,
    StateFilter,
)
from catalog.admin.service_form import ServiceActionForm, ServiceForm
from catalog.locks import lock_provider
from catalog.models import MarkupRule, Service
from catalog.prices.group_prices import prices_of_groups
from catalog.service_changes import recording_changes_of
from catalog.shop.bulk_edit import NoWholeCategory, change_category, set_markup, show_services
from catalog.shop.equivalents import move_service
from catalog.shop.publishing import PINNABLE, republish
from catalog.texts import description_html
from core.clock import database_now
from core.list_columns import Lines
from core.numbers import plain_number
from core.owner_texts_admin import OwnerTextsAdmin
from core.staff_rights import SEES_MONEY


class ServiceChangeList(OrderedChangeList):
    """A list whose services can be moved within one category."""

    @property
    def can_be_ordered(self) -> bool:
        return super().can_be_ordered and CategoryFilter.parameter_name in self.params

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        # Long texts that the list does not show would be most of what is sorted and read.
        return (
            super().get_queryset(request, exclude_parameters).defer("description", "source__raw", "source__description")
        )


@admin.register(Service)
class ServiceAdmin(OwnerTextsAdmin, PricePreviewAdmin):
    """Services as sold: cost, markup, price, and the owner's settings."""

    form = ServiceForm
    texts = ("name", "description", "own_time")
    list_display = (
        Lines("name_", "id", "on_sale"), Lines("category_", "provider"), Lines("cost_", "rate_"),
        Lines("price_", "margin"), Lines("own_price", "markup"), Lines("is_visible", "position"),
        "own_price", "position", "is_visible",
    )  # fmt: skip
    needs_right = dict.fromkeys(("cost_", "rate_", "markup", "margin"), ["catalog.change_service", SEES_MONEY])
    list_editable = ("is_visible", "own_price", "position")
    list_filter = (
        CategoryFilter, StateFilter, MarginFilter, "source__provider", ("platform", admin.AllValuesFieldListFilter),
        ("source__type", admin.AllValuesFieldListFilter), AdjustmentFilter,
    )  # fmt: skip
    search_fields = ("=id", "search_text", "=source__external_id")
    ordering = ("category__position", "position", "id")
    list_select_related = ("category", "source__provider", "price_rule")
    list_per_page = 50
    actions = ("show", "hide", "change_category", "change_prices", "set_markup")
    always_previewed = ("change_prices", "set_markup")
    action_form = ServiceActionForm
    change_list_template = "admin/catalog/service/change_list.html"
    autocomplete_fields = ("category", "fallback")
    readonly_fields = ("provider", "rate_", "cost_", "markup", "price_", "margin", "on_sale", "groups_")
    fieldsets = (
        (None, {"fields": ("name", "category", "description", ("min", "max"), "position", "is_visible", "pins")}),
        (
            _("In the shop"),
            {"fields": ("badges", "own_time", ("own_refill_days", "own_refill_opens_hours"), "own_same_link")},
        ),
        (_("Source"), {"fields": ("provider", "move_to", "fallback")}),
        (_("Price"), {"fields": ("own_price", *readonly_fields[1:])}),
    )

    class Media:
        css = {"all": ["admin-parts.css"]}

    def cleaned_text(self, field: str, text: str) -> str:
        return description_html(text) if field == "description" else text

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Services are made of providers' lists only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A service cannot be deleted, since orders refer to it; it can be hidden."""
        return False

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Without the filter by margin for those who see no margin."""
        sees_margin = self.sees(request, "margin")
        return [each for each in super().get_list_filter(request) if sees_margin or each is not MarginFilter]

    def get_urls(self) -> list[URLPattern]:
        return [*price_urls(self), *super().get_urls()]

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": CellForm, **kwargs})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ServiceChangeList

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Find out what is on sale only for the rows of this page: for all rows it would take longer than the page."""
        page = super().get_changelist_instance(request)
        shown = Service.objects.on_sale().filter(pk__in=[service.pk for service in page.result_list])
        selling = set(shown.values_list("pk", flat=True))
        for service in page.result_list:
            service.sells = service.pk in selling
        return page

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        """Save, and publish the service again, so that fields no longer pinned follow the provider at once."""
        if not form.changed_data:
            return
        changed, now = set(form.changed_data) - {"move_to"}, database_now()
        obj.pins = [name for name in PINNABLE if name in obj.pins or name in changed]
        provider = lock_provider(obj.source.provider_id)
        if changed == {"position"}:
            # Nothing else depends on it, and putting a list in order saves many services.
            obj.save(update_fields=["position", "pins"])
            return
        with recording_changes_of([obj.pk], now=now):
            if "own_price" in changed and obj.own_price is not None:
                note_typed_price(request, obj.pk, obj.own_price)
            obj.save(update_fields={*changed, "pins"})
            if changed - {"is_visible"}:
                republish(provider, [obj.source.external_id])
        if form.cleaned_data.get("move_to"):
            move_service(obj.pk, form.cleaned_data["move_to"], now=now)

    @admin.action(description=_("Show in the shop"), permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._set_visible(request, queryset, True)

    @admin.action(description=_("Hide from the shop"), permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._set_visible(request, queryset, False)

    def _set_visible(self, request: HttpRequest, queryset: QuerySet[Service], is_visible: bool) -> None:
        with transaction.atomic():
            others = show_services(queryset.values_list("pk", flat=True), is_visible, now=database_now())
            action, sentence = ("service.show", _t("Shown")) if is_visible else ("service.hide", _t("Hidden"))
            self.record_each(request, others, action, sentence)
        self._report(request, len(others))

    @admin.action(description=_("Move to the chosen category"), permissions=["change"])
    def change_category(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        category = self._action_value(request, "to_category")
        if category is None:
            self.message_user(request, _t("Choose a category next to the action first."), messages.WARNING)
            return
        with transaction.atomic():
            moved = change_category(queryset.values_list("pk", flat=True), category, now=database_now())
            sentence = _t("Moved to %(category)s") % {"category": category}
            self.record_each(request, moved, "service.move", sentence, after={"category": category})
        self._report(request, len(moved))

    @admin.action(description=_("Raise or lower prices by the percentage"), permissions=["change"])
    def change_prices(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        if not request.user.has_perm("catalog.add_priceadjustment"):
            raise PermissionDenied
        percent = self._percent(request)
        if percent is not None:
            adjust_prices(self, request, queryset.order_by(), percent)

    @admin.action(description=_("Set the percentage as markup of whole categories"), permissions=["change"])
    def set_markup(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        if not (request.user.has_perm("catalog.change_markuprule") and request.user.has_perm("catalog.add_markuprule")):
            raise PermissionDenied
        percent = self._percent(request)
        if percent is None:
            return
        if percent < 0:
            self.message_user(request, _t("A markup is not below 0."), messages.WARNING)
            return
        ids = queryset.order_by().values_list("pk", flat=True)
        try:
            with transaction.atomic():
                rules = set_markup(ids, percent, now=database_now())
                sentence = _t("Markup set to %(percent)s %%") % {"percent": f"{percent.normalize():f}"}
                self.record_each(request, rules, "markuprule.set", sentence, after={"percent": percent})
        except NoWholeCategory as refusal:
            self.message_user(request, str(refusal.message), messages.WARNING)
            return
        counted = ngettext("Markup of %(n)s category set.", "Markup of %(n)s categories set.", len(rules))
        self.message_user(request, counted % {"n": f"{len(rules):,}"})
        names = ", ".join(rule.name for rule in rules[:20])
        note_for_preview(request, f"{sentence}: {names}{' …' if len(rules) > 20 else ''}")

    def _percent(self, request: HttpRequest) -> Any:
        """The percentage next to the actions; None, after a message, if there is none."""
        percent = self._action_value(request, "percent")
        if percent is None:
            self.message_user(request, _t("Enter a percentage next to the action first."), messages.WARNING)
        return percent

    def _action_value(self, request: HttpRequest, name: str) -> Any:
        """The value of a field next to the actions; None if it is empty or invalid."""
        field = ServiceActionForm.base_fields[name]
        try:
            return field.clean(request.POST.get(name, ""))
        except ValidationError:
            return None

    def _report(self, request: HttpRequest, changed: int) -> None:
        counted = ngettext("%(n)s service changed.", "%(n)s services changed.", changed)
        self.message_user(request, counted % {"n": f"{changed:,}"})

    @admin.display(description=_("name"), ordering="name")
    def name_(self, service: Service) -> SafeString:
        return format_html("<bdi>{}</bdi>", service.name)

    @admin.display(description=_("category"), ordering="category__name")
    def category_(self, service: Service) -> SafeString:
        return format_html("<bdi>{}</bdi>", service.category.name)

    @admin.display(description=_("provider"), ordering="source__provider__name")
    def provider(self, service: Service) -> str:
        return service.source.provider.name

    @admin.display(description=_("rate"), ordering="source__rate")
    def rate_(self, service: Service) -> SafeString | str:
        return provider_amount_html(service.source.rate, service.source.provider.currency)

    @admin.display(description=_("cost"), ordering="source__rate")
    def cost_(self, service: Service) -> SafeString | str:
        return cost_html(service.source.rate, service.source.provider)

    @admin.display(description=_("markup"))
    def markup(self, service: Service) -> str:
        """The rule that made the price."""
        if service.own_price is not None and service.own_price == service.price:
            return _t("Own price")
        made_by = service.price_rule.name if service.price_rule is not None else self._usual_markup(service)
        return made_by if service.price_factor == 1 else f"{made_by} × {plain_number(service.price_factor)}"

    @admin.display(description=_("price"), ordering="price")
    def price_(self, service: Service) -> SafeString | str:
        return price_html(service.price)

    @admin.display(description=_("margin"))
    def margin(self, service: Service) -> str:
        if service.source.has_other_unit:
            return NOTHING
        return margin_text(service.price, service.source.rate, service.source.provider)

    @admin.display(description=_("on sale"), boolean=True)
    def on_sale(self, service: Service) -> bool:
        if hasattr(service, "sells"):
            return bool(service.sells)
        return Service.objects.on_sale().filter(pk=service.pk).exists()

    @admin.display(description=_("prices of groups"))
    def groups_(self, service: Service) -> SafeString | str:
        """The price of each group, with the rule that makes it."""
        found = prices_of_groups(service)
        rules = MarkupRule.objects.in_bulk([priced.rule_id for _group, priced in found if priced.rule_id])
        usual = self._usual_markup(service)
        lines = (
            (group.name, price_html(priced.price), rules[priced.rule_id].name if priced.rule_id else usual)
            for group, priced in found
        )
        return format_html_join(SafeString("<br>"), "{}: {} ({})", lines) or NOTHING

    def _usual_markup(self, service: Service) -> str:
        return f"{service.source.provider.markup_percent.normalize():f} %"
