"""Prices of single customers in the admin, one by one and as a CSV file."""

import csv
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.customer_filter import CustomerFilter
from accounts.models import User
from catalog.admin.price_pages import LineWriter, SheetForm, preview_of
from catalog.admin.price_preview import proves_preview
from catalog.locks import lock_all_providers
from catalog.models import CustomerPrice
from catalog.prices.customer_prices import HAS_ENDED, until_text
from catalog.prices.customer_sheet import COLUMNS, read_sheet, set_customer_prices, sheet_rows
from core.shop_admin import ShopModelAdmin
from core.staff_actions import staff_actor


class CustomerPriceForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = CustomerPrice
        fields = ("customer", "service", "price", "category", "percent", "ends_at")
        help_texts = {  # noqa: RUF012 - as Django declares it
            "ends_at": _("The price ends at this moment: after a whole last day, at 00:00 of the next. Empty: never.")
        }

    def clean(self) -> dict[str, Any]:
        """One thing at a time: a service with its price, or a category with its percentage."""
        given: dict[str, Any] = super().clean() or {}
        is_service = given.get("service") is not None and given.get("price") is not None
        is_category = given.get("category") is not None and given.get("percent") is not None
        filled = sum(given.get(name) is not None for name in ("service", "price", "category", "percent"))
        if not self.errors and (filled != 2 or is_service == is_category):  # noqa: PLR2004
            raise ValidationError(_("Enter a service with its price, or a category with its percentage."))
        customer = given.get("customer")
        if isinstance(customer, User) and customer.is_staff:
            self.add_error("customer", _("Staff buy nothing."))
        return given


@admin.register(CustomerPrice)
class CustomerPriceAdmin(ShopModelAdmin):
    """Fixed prices for services and percentages off categories, for one customer each."""

    form = CustomerPriceForm
    list_display = ("customer", "service", "price", "category", "percent", "until")
    list_filter = (CustomerFilter,)
    list_select_related = ("customer", "service", "category")
    search_fields = ("customer__email", "=service__id", "category__name")
    autocomplete_fields = ("customer", "service", "category")
    list_per_page = 50
    change_list_template = "admin/catalog/customerprice/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CustomerPrice]:
        return super().get_queryset(request).annotate(has_ended=HAS_ENDED)

    @admin.display(description=_("until"), ordering="ends_at")
    def until(self, row: CustomerPrice) -> str | None:
        """The last day, or the moment at which the price ends, and whether that is over."""
        if row.ends_at is None:
            return None
        ended = row.has_ended  # type: ignore[attr-defined]  # annotated by get_queryset
        return _t("%(time)s, ended") % {"time": until_text(row.ends_at)} if ended else until_text(row.ends_at)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("prices.csv", wrap(self.export), name="catalog_customerprice_export"),
            path("import/", wrap(self.import_prices), name="catalog_customerprice_import"),
        ]
        return [*own, *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """All customer prices as CSV, streamed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        writer = csv.writer(LineWriter())
        response = StreamingHttpResponse((writer.writerow(row) for row in sheet_rows()), content_type="text/csv")
        response["Content-Disposition"] = 'attachment; filename="customer-prices.csv"'
        return response

    def import_prices(self, request: HttpRequest) -> HttpResponse:
        """Show what a file would set, and set it once exactly that is confirmed."""
        if not (self.has_change_permission(request) and self.has_add_permission(request)):
            raise PermissionDenied
        form, sheet, is_other = SheetForm(), None, False
        # 1. The confirmed preview: set the prices it carries, if that still does what was shown.
        if request.method == "POST" and "confirmed" in request.POST:
            with transaction.atomic():
                lock_all_providers()
                sheet = read_sheet(request.POST.get("text", ""), lock=True)
                if proves_preview(request, sheet.digest) and not sheet.problems:
                    n = set_customer_prices(sheet.prices, actor=staff_actor(request))
                    counted = ngettext("%(n)s customer price is set.", "%(n)s customer prices are set.", n)
                    messages.success(request, counted % {"n": f"{n:,}"})
                    return HttpResponseRedirect(reverse("admin:catalog_customerprice_changelist"))
            is_other = True
        # 2. A file: preview it, and carry it to the confirmation.
        elif request.method == "POST":
            form = SheetForm(request.POST, request.FILES)
            if form.is_valid():
                sheet = read_sheet(form.cleaned_data["sheet"])
        form.fields["sheet"].help_text = _(
            "With the columns %(names)s, in UTF-8. A day without a time in “until” is the last day."
        ) % {"names": ", ".join(COLUMNS)}
        context: dict[str, Any] = {
            **self.admin_site.each_context(request), **preview_of(request, sheet),
            "title": _t("Import customer prices"), "opts": self.opts, "form": form, "is_other": is_other,
        }  # fmt: skip
        return TemplateResponse(request, "admin/catalog/customerprice/import.html", context)
