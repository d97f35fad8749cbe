"""Prices raised or lowered by a percentage: the page "Change prices", the list of such changes, and their undoing."""

from decimal import Decimal
from typing import Any

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

from catalog.admin.adjustment_form import USUAL_FLOOR, AdjustmentForm
from catalog.admin.price_preview import PreviewOptions, PricePreviewAdmin, note_for_preview, set_preview_options
from catalog.models import Category, PriceAdjustment, Service
from catalog.prices.adjustments import NotAdjustable, adjust, factors_for_margin, undo
from catalog.prices.group_prices import lowest_group_margins
from core.clock import database_now
from core.numbers import plain_number
from core.shop_admin import ShopModelAdmin
from core.templatetags.shop import state_html


def adjust_prices(
    page: ShopModelAdmin,
    request: HttpRequest,
    services: QuerySet[Service],
    percent: Decimal,
    name: str = "",
    floor: Decimal = Decimal(USUAL_FLOOR),
) -> PriceAdjustment | None:
    """Adjust the prices of ``services``, record it, and say so; None after a message if that cannot be done.

    Services that the request names as ``lift`` get the price that leaves a margin of ``floor`` instead.
    """
    # 1. The services, and those of them that are lifted to the floor.
    now = database_now()
    ids = list(services.values_list("pk", flat=True))
    asked = set(request.POST.getlist("lift"))
    lifted = [pk for pk in ids if str(pk) in asked]
    fixed = Service.objects.filter(pk__in=ids, own_price__isnull=False).count()
    counted = ngettext("%(n)s service", "%(n)s services", len(ids)) % {"n": f"{len(ids):,}"}
    if not name:
        categories = list(Category.objects.filter(services__in=ids).distinct()[:2])
        name = f"{counted}, {categories[0].name}" if len(categories) == 1 else counted
    # 2. The adjustment.
    reason = request.POST.get("reason", "").strip()
    try:
        with transaction.atomic():
            own = factors_for_margin(lifted, floor) if lifted else {}
            made, changed = adjust(
                ids, percent, name=name, by=str(request.user), now=now, reason=reason, own_factors=own
            )
            after = {"percent": made.percent_text, "services": len(ids), "prices changed": changed}
            page.record(request, made, "prices.adjust", _t("Prices changed"), reason=reason, after=after)
    except NotAdjustable as refusal:
        page.message_user(request, str(refusal.message), messages.WARNING)
        return None
    # 3. What the preview says above the prices.
    set_preview_options(request, PreviewOptions(least_margin=floor, asks_reason=True, adjustment=str(made)))
    note_for_preview(request, _t("%(services)s: %(name)s") % {"services": counted, "name": made})
    if lifted:
        words = ngettext(
            "%(n)s service gets the price that leaves a margin of %(margin)s %%.",
            "%(n)s services get the prices that leave a margin of %(margin)s %%.",
            len(lifted),
        )
        note_for_preview(request, words % {"n": f"{len(lifted):,}", "margin": plain_number(floor)})
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
    fields = ("name", "percent_", "services_", "reason", "at", "by", "state_", "undone_by", "undone_at")
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
        form = AdjustmentForm(request.POST if request.method == "POST" else None, initial=self._initial(request))
        if request.method == "POST" and form.is_valid():
            return self.with_preview(request, lambda: self._adjust(request, form), ask=True)
        return self._form_page(request, form)

    def _initial(self, request: HttpRequest) -> dict[str, str]:
        return {"floor": str(USUAL_FLOOR), **AdjustmentForm.initial_of(request)}

    def _adjust(self, request: HttpRequest, form: AdjustmentForm) -> HttpResponse:
        percent, floor = form.cleaned_data["percent"], form.cleaned_data["floor"]
        services = form.services(request, self.admin_site.get_model_admin(Service))  # type: ignore[arg-type]
        made = adjust_prices(self, request, services, percent, form.words(), Decimal(floor or 0))
        if made is None:
            return self._form_page(request, form)
        if self.has_view_permission(request):
            return HttpResponseRedirect(reverse("admin:catalog_priceadjustment_change", args=[made.pk]))
        return HttpResponseRedirect(reverse("admin:catalog_service_changelist"))

    def preview_context(self, request: HttpRequest) -> dict[str, Any]:
        """The form above the preview, to look at another percentage or other services."""
        is_adding = request.path == reverse("admin:catalog_priceadjustment_add")
        return {"form": AdjustmentForm(request.POST)} if is_adding else {}

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
        reason = request.POST.get("reason", "").strip()
        set_preview_options(request, PreviewOptions(asks_reason=True))
        with transaction.atomic():
            undone = undo(pk, by=str(request.user), now=database_now())
            if undone is not None:
                note_for_preview(request, _t("This undoes “%(name)s”.") % {"name": undone.adjustment})
                after = {"prices": undone.changed}
                self.record(request, undone.adjustment, "prices.undo", _t("Undone"), reason=reason, after=after)
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
