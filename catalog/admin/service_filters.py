"""Filters of the list of services."""

from typing import Any

from django.contrib import admin
from django.db.models import ExpressionWrapper, F, FloatField, QuerySet
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from catalog.models import Category, PriceAdjustment, Service

#: In percent of the price, as floats: good enough to filter by. Every figure that is shown is exact.
_COST = Cast(F("source__rate") * F("source__provider__exchange_rate"), FloatField())
#: Ranges of the margin, and states, that the list can be filtered by.
MARGINS = {
    "0": _("Below 0 %"),
    "0-10": _("0 to 10 %"),
    "10-25": _("10 to 25 %"),
    "25-50": _("25 to 50 %"),
    "50": _("50 % and more"),
}
STATES = {
    "sale": _("On sale"),
    "hidden": _("Hidden"),
    "quarantine": _("In quarantine"),
    "gone": _("Gone"),
    "held": _("Fall held back"),
    "own": _("Own price"),
    "adjusted": _("Price adjusted"),
}
_MARGIN = ExpressionWrapper(100 - 100 * _COST / Cast(F("price"), FloatField()), output_field=FloatField())


class CategoryFilter(admin.SimpleListFilter):
    title = _("category")
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(pk), name) for pk, name in Category.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Service]) -> QuerySet[Service]:
        wanted = self.value() or ""
        is_id = wanted.isascii() and wanted.isdigit() and len(wanted) < 18
        return queryset.filter(category_id=int(wanted)) if is_id else queryset


class MarginFilter(admin.SimpleListFilter):
    title = _("margin")
    parameter_name = "margin"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(MARGINS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Service]) -> QuerySet[Service]:
        wanted = self.value()
        return with_margin(queryset, wanted) if wanted in MARGINS else queryset


def with_margin(queryset: QuerySet[Service], wanted: str) -> QuerySet[Service]:
    """Return the services whose margin is in the range ``wanted``, a key of MARGINS."""
    # While a row waits because it became another product, its rate may be of another unit than the price.
    found = queryset.filter(price__gt=0, source__product_before__isnull=True).annotate(share=_MARGIN)
    if wanted == "0":
        return found.filter(share__lt=0)
    least, _dash, most = wanted.partition("-")
    found = found.filter(share__gte=float(least))
    return found.filter(share__lt=float(most)) if most else found


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Service]) -> QuerySet[Service]:
        return in_state(queryset, self.value() or "")


def in_state(queryset: QuerySet[Service], state: str) -> QuerySet[Service]:
    """Return the services in ``state``, a key of STATES; all of them for anything else."""
    match state:
        case "sale":
            return queryset.filter(pk__in=Service.objects.on_sale().values("pk"))
        case "hidden":
            return queryset.filter(is_visible=False)
        case "quarantine":
            return queryset.exclude(source__quarantine=[])
        case "gone":
            return queryset.filter(source__vanished_at__isnull=False)
        case "held":
            return queryset.filter(source__held_rate__isnull=False)
        case "own":
            return queryset.filter(own_price__isnull=False)
        case "adjusted":
            return queryset.exclude(price_factor=1)
    return queryset


class AdjustmentFilter(admin.SimpleListFilter):
    """The services of one price adjustment, to which its page links; no choice is offered without that."""

    title = _("price adjustment")
    parameter_name = "adjustment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        asked = request.GET.get(self.parameter_name, "")
        is_id = asked.isascii() and asked.isdigit() and len(asked) < 18
        found = PriceAdjustment.objects.filter(pk=int(asked)) if is_id else ()
        return [(str(adjustment.pk), str(adjustment)) for adjustment in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Service]) -> QuerySet[Service]:
        return queryset.filter(adjustments=int(self.lookup_choices[0][0])) if self.lookup_choices else queryset
