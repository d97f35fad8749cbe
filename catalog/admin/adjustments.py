"""Prices raised or lowered by a percentage: the page "Change prices", the list of such changes, and their undoing."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.admin.price_preview import PricePreviewAdmin, note_for_preview
from catalog.admin.service_form import PercentField
from catalog.models import Category, PriceAdjustment, Provider, Service
from catalog.prices.adjustments import NotAdjustable, adjust, undo
from catalog.prices.group_prices import lowest_group_margins
from core.clock import database_now
from core.quick_select import QuickSelect
from core.shop_admin import ShopModelAdmin
from core.templatetags.shop import state_html


class AdjustmentForm(forms.Form):
    """Which services, and by how much. Empty choices mean all of them."""

    category = forms.ModelChoiceField(
        label=_("Category"), required=False, queryset=Category.objects.all(), widget=QuickSelect, empty_label=_("All")
    )
    provider = forms.ModelChoiceField(
        label=_("Provider"), required=False, queryset=Provider.objects.all(), empty_label=_("All")
    )
    percent = PercentField(label=_("Change, %"), help_text=_("5 for 5 % more than now, −5 for 5 % less"))

    def services(self) -> QuerySet[Service]:
        """Return the chosen services."""
        chosen = Service.objects.all()
        if category := self.cleaned_data["category"]:
            chosen = chosen.filter(category=category)
        if provider := self.cleaned_data["provider"]:
            chosen = chosen.filter(source__provider=provider)
        return chosen

    def words(self) -> str:
        """Return the choice as the owner reads it in the list."""
        chosen = [str(self.cleaned_data[name]) for name in ("category", "provider") if self.cleaned_data[name]]
        return ", ".join(chosen) or _t("All services")


def adjust_prices(
    page: ShopModelAdmin, request: HttpRequest, services: QuerySet[Service], percent: Any, name: str = ""
) -> PriceAdjustment | None:
    """Adjust the prices of ``services``, record it, and say so; None after a message if that cannot be done."""
    now = database_now()
    ids = list(services.values_list("pk", flat=True))
    fixed = Service.objects.filter(pk__in=ids, own_price__isnull=False).count()
    counted = ngettext("%(n)s service", "%(n)s services", len(ids)) % {"n": f"{len(ids):,}"}
    if not name:
        categories = list(Category.objects.filter(services__in=ids).distinct()[:2])
        name = f"{counted}, {categories[0].name}" if len(categories) == 1 else counted
    try:
        with transaction.atomic():
            made, changed = adjust(ids, percent, name=name, by=str(request.user), now=now)
            after = {"percent": made.percent_text, "services": len(ids), "prices changed": changed}
            page.record(request, made, "prices.adjust", _t("Prices changed"), after=after)
    except NotAdjustable as refusal:
        page.message_user(request, str(refusal.message), messages.WARNING)
        return None
    note_for_preview(request, _t("%(services)s: %(name)s") % {"services": counted, "name": made})
    if fixed:
        words = ngettext(
            "%(n)s service has its own price and keeps it.", "%(n)s services have own prices and keep them.", fixed
        )
        note_for_preview(request, words % {"n": f"{fixed:,}"})
    for group, lowest in lowest_group_margins(ids):
        words = _t("Lowest margin for customers of %(group)s: %(margin)s %%")
        note_for_preview(request, words % {"group": group.name, "margin": f"{lowest:.1f}"})
    counted = ngettext("%(n)s price changed.", "%(n)s prices changed.", changed)
    page.message_user(request, counted % {"n": f"{changed:,}"})
    return made


@admin.register(PriceAdjustment)
class PriceAdjustmentAdmin(PricePreviewAdmin):
    """Adjustments are made after a preview and never edited: undo one, and make another."""

    list_display = ("name", "percent_", "services_", "at", "by", "state_")
    list_filter = (("undone_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "category__name")
    fields = ("name", "percent_", "services_", "at", "by", "state_", "undone_by", "undone_at")
    readonly_fields = fields
    list_per_page = 50
    actions = None
    add_form_template = "admin/catalog/priceadjustment/add.html"
    change_form_template = "admin/catalog/priceadjustment/change_form.html"

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceAdjustment]:
        adjustments: QuerySet[PriceAdjustment] = super().get_queryset(request)
        return adjustments.annotate(service_count=Count("rows"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An adjustment ends by being undone; what it did stays on record."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of it can be edited; the permission to change adjustments allows the undo."""
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/undo/", wrap(self.undo), name="catalog_priceadjustment_undo"), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page "Change prices": choose services and a percentage, and see what it would do before it is done."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AdjustmentForm(request.POST if request.method == "POST" else None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            return self.with_preview(request, lambda: self._adjust(request, form), ask=True)
        return self._form_page(request, form)

    def _adjust(self, request: HttpRequest, form: AdjustmentForm) -> HttpResponse:
        percent = form.cleaned_data["percent"]
        made = adjust_prices(self, request, form.services(), percent, form.words())
        if made is None:
            return self._form_page(request, form)
        return HttpResponseRedirect(reverse("admin:catalog_priceadjustment_changelist"))

    def _form_page(self, request: HttpRequest, form: AdjustmentForm) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": _t("Change prices"), "opts": self.opts}
        return TemplateResponse(request, self.add_form_template or "", {**context, "form": form})

    def undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("catalog.change_priceadjustment"):
            raise PermissionDenied
        back = reverse("admin:catalog_priceadjustment_changelist")
        return self.with_preview(request, lambda: self._undo(request, pk), ask=True, back=back)

    def _undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        with transaction.atomic():
            undone = undo(pk, by=str(request.user), now=database_now())
            if undone is not None:
                note_for_preview(request, _t("Undone: %(name)s") % {"name": undone.adjustment})
                self.record(request, undone.adjustment, "prices.undo", _t("Undone"), after={"prices": undone.changed})
        if undone is None:
            messages.warning(request, _t("This adjustment has been undone already."))
        else:
            counted = ngettext("%(n)s price changed.", "%(n)s prices changed.", undone.changed)
            messages.success(request, counted % {"n": f"{undone.changed:,}"})
        return HttpResponseRedirect(reverse("admin:catalog_priceadjustment_changelist"))

    @admin.display(description=_("change"), ordering="factor")
    def percent_(self, adjustment: PriceAdjustment) -> str:
        return adjustment.percent_text

    @admin.display(description=_("services"))
    def services_(self, adjustment: PriceAdjustment) -> SafeString:
        address = reverse("admin:catalog_service_changelist")
        count = f"{adjustment.service_count:,}"  # type: ignore[attr-defined]  # annotated by get_queryset
        return format_html('<a href="{}?adjustment={}">{}</a>', address, adjustment.pk, count)

    @admin.display(description=_("state"))
    def state_(self, adjustment: PriceAdjustment) -> SafeString:
        if adjustment.undone_at:
            return state_html("is-canceled", "circle-x", _t("Undone"))
        return state_html("is-completed", "circle-check", _t("In force"))
