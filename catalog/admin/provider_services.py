from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.admin.figures import cost_html, provider_amount_html
from catalog.admin.price_preview import PricePreviewAdmin
from catalog.models import CustomerPrice, ProviderService, Unit
from catalog.shop.row_decisions import accept_rows, import_rows, pass_on_falls
from core.clock import database_now
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.staff_actions import staff_actor


class SaleFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "sale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("listed", _("Listed")),
            ("quarantine", _("In quarantine")),
            ("other", _("Became another product")),
            ("held", _("Fall held back")),
            ("unwanted", _("Not imported")),
            ("gone", _("Gone")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProviderService]) -> QuerySet[ProviderService]:
        if self.value() == "gone":
            return queryset.filter(vanished_at__isnull=False)
        here = queryset.filter(vanished_at=None)
        if self.value() == "other":
            return here.filter(product_before__isnull=False)
        if self.value() == "held":
            return here.filter(held_rate__isnull=False)
        if self.value() == "unwanted":
            return here.filter(is_wanted=False)
        if self.value() == "quarantine":
            return here.exclude(quarantine=[])
        return here.filter(quarantine=[]) if self.value() == "listed" else queryset


class ListedCategoryFilter(admin.SimpleListFilter):
    """The categories of the chosen provider, to import a part of its list."""

    title = _("category")
    parameter_name = "listed_category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        provider = request.GET.get("provider__id__exact", "")
        if not provider.isdecimal():
            return []
        held = ProviderService.objects.filter(provider=int(provider), vanished_at=None).exclude(category="")
        return [(name, name) for name in held.order_by("category").values_list("category", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ProviderService]) -> QuerySet[ProviderService]:
        return queryset.filter(category=self.value()) if self.value() else queryset


@admin.register(ProviderService)
class ProviderServiceAdmin(PricePreviewAdmin, ReadOnlyAdmin):
    """Rows of providers' lists as received, and the owner's decisions about them: accept, pass on a fall, import."""

    list_display = (
        Lines("external_id", "provider"), Lines("state", "reasons"), Lines("name_", "type"), Lines("rate_", "cost_"),
        Lines("min", "max"),
    )  # fmt: skip
    list_filter = (SaleFilter, "provider", "type", "refill", "cancel", ListedCategoryFilter)
    list_select_related = ("provider",)
    search_fields = ("=external_id", "name", "category")
    ordering = ("provider", "position")
    list_per_page = 100
    actions = ("accept", "pass_on", "import_rows")
    fields = (
        "provider", "external_id", "was_", "name_", "category", "type", "unit", "rate_", "accepted_rate_", "cost_",
        "min", "max", "refill", "cancel", "dripfeed", "average_time", "description", "state", "reasons", "vanished_at",
        "first_seen_at", "changed_at", "raw",
    )  # fmt: skip

    class Media:
        css = {"all": ["admin-parts.css"]}

    def has_accept_permission(self, request: HttpRequest) -> bool:
        """The actions need the permission to change provider services, though no form changes one."""
        return request.user.has_perm("catalog.change_providerservice")

    @admin.action(description=_("Accept as received and sell"), permissions=["accept"])
    def accept(self, request: HttpRequest, queryset: QuerySet[ProviderService]) -> None:
        asked = list(queryset.values_list("pk", flat=True))
        with transaction.atomic():
            accepted, ended = accept_rows(asked, actor=staff_actor(request), now=database_now())
            self.record_each(request, accepted, "provider_service.accept", _t("Accepted as received"))
        if accepted:
            counted = ngettext("%(n)s row was accepted.", "%(n)s rows were accepted.", len(accepted))
            messages.success(request, counted % {"n": len(accepted)})
        if ended:
            counted = ngettext(
                "The fixed price of %(n)s customer ended: it was per another unit.",
                "%(n)s fixed prices of customers ended: they were per another unit.",
                ended,
            )
            messages.warning(request, counted % {"n": f"{ended:,}"})
        left = len(asked) - len(accepted)
        if left:
            counted = ngettext(
                "%(n)s row stays in quarantine: it lacks what an order needs.",
                "%(n)s rows stay in quarantine: they lack what an order needs.",
                left,
            )
            messages.warning(request, counted % {"n": left})

    @admin.action(description=_("Pass a lower rate on to the price"), permissions=["accept"])
    def pass_on(self, request: HttpRequest, queryset: QuerySet[ProviderService]) -> None:
        with transaction.atomic():
            rows = pass_on_falls(queryset.values_list("pk", flat=True), now=database_now())
            self.record_each(request, rows, "provider_service.pass_on", _t("Lower rate passed on"))
        self._report(request, rows)

    @admin.action(description=_("Import and sell in the shop"), permissions=["accept"])
    def import_rows(self, request: HttpRequest, queryset: QuerySet[ProviderService]) -> None:
        with transaction.atomic():
            rows = import_rows(queryset.values_list("pk", flat=True), now=database_now())
            self.record_each(request, rows, "provider_service.import", _t("Imported"))
        self._report(request, rows)

    def _report(self, request: HttpRequest, rows: list[ProviderService]) -> None:
        counted = ngettext("%(n)s row changed.", "%(n)s rows changed.", len(rows))
        messages.success(request, counted % {"n": f"{len(rows):,}"})

    @admin.display(description=_("before and now"))
    def was_(self, row: ProviderService) -> SafeString | str:
        """Return a table of the product as it was when last sold, and as it is now."""
        if row.product_before is None:
            return "–"
        kinds = dict(Unit.choices)
        rate = None if row.rate is None else f"{row.rate.normalize():f}"
        now = {"name": row.name, "category": row.category, "type": row.type, "unit": row.unit, "rate": rate}
        labels = {
            "name": _t("name"), "category": _t("category"), "type": _t("type"), "unit": _t("unit"), "rate": _t("rate"),
        }  # fmt: skip
        lines = [
            (label, *(kinds.get(value, value) if value is not None else "–" for value in values))
            for name, label in labels.items()
            for values in [(row.product_before.get(name), now[name])]
        ]
        return format_html(
            '<table><thead><tr><td></td><th scope="col">{}</th><th scope="col">{}</th></tr></thead>'
            "<tbody>{}</tbody></table>{}",
            _t("was"),
            _t("is"),
            format_html_join("", '<tr><th scope="row">{}</th><td><bdi>{}</bdi></td><td><bdi>{}</bdi></td></tr>', lines),
            format_html_join("", "<p>{}</p>", [(sentence,) for sentence in self._what_ends(row)]),
        )

    def _what_ends(self, row: ProviderService) -> list[str]:
        """Say which prices end when a row of another unit is accepted."""
        if not row.has_other_unit:
            return []
        promised = CustomerPrice.objects.filter(service__source=row).count()
        if not promised:
            return [_t("Accepting it ends the service’s own price and its rules with amounts.")]
        counted = ngettext(
            "Accepting it ends the service’s own price, its rules with amounts, and %(n)s fixed price of a customer.",
            "Accepting it ends the service’s own price, its rules with amounts, and %(n)s fixed prices of customers.",
            promised,
        )
        return [counted % {"n": f"{promised:,}"}]

    @admin.display(description=_("name"), ordering="name")
    def name_(self, row: ProviderService) -> SafeString:
        return format_html_join("", "<bdi>{}</bdi>", [(row.name or "–",)])

    @admin.display(description=_("rate"), ordering="rate")
    def rate_(self, row: ProviderService) -> SafeString | str:
        return provider_amount_html(row.rate, row.provider.currency)

    @admin.display(description=_("last accepted rate"))
    def accepted_rate_(self, row: ProviderService) -> SafeString | str:
        return provider_amount_html(row.accepted_rate, row.provider.currency)

    @admin.display(description=_("cost"), ordering="rate")
    def cost_(self, row: ProviderService) -> SafeString | str:
        return cost_html(row.rate, row.provider)

    @admin.display(description=_("state"))
    def state(self, row: ProviderService) -> str:
        if row.vanished_at:
            return _t("Gone")
        return _t("In quarantine") if row.quarantine else _t("Listed")

    @admin.display(description=_("quarantined because"))
    def reasons(self, row: ProviderService) -> SafeString | str:
        reasons = ((reason.partition(": ")[2] or reason,) for reason in row.quarantine)
        return format_html_join("; ", "{}", reasons) or "–"
