"""Export of prices to a CSV file, and import with a preview of what would change."""

import csv
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.admin.price_preview import SEEN, proof_of_preview, proves_preview
from catalog.locks import lock_all_providers
from catalog.models import Service
from catalog.prices.customer_sheet import CustomerSheet
from catalog.prices.price_sheet import SheetReading, read_sheet, sheet_rows
from catalog.shop.bulk_edit import set_own_prices
from core.clock import database_now
from core.shop_admin import ShopModelAdmin
from core.staff_actions import Change, record_staff_changes, staff_actor

#: The proxy passes on no more.
_MAX_BYTES = 2_000_000
_SHOWN = 200


class SheetForm(forms.Form):
    sheet = forms.FileField(label=_("CSV file"), help_text=_("With the columns id and own_price, in UTF-8"))

    def clean_sheet(self) -> str:
        sheet = self.cleaned_data["sheet"]
        if sheet.size > _MAX_BYTES:
            raise forms.ValidationError(_("The file is too large."))
        found: bytes = sheet.read()
        # Spreadsheets write UTF-16 or the country's own code page as well; only digits and signs are read of it.
        for encoding in ("utf-16",) if found[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "cp1252", "latin-1"):
            try:
                text = found.decode(encoding)
            except UnicodeDecodeError:
                continue
            # No database takes it in a text, and no spreadsheet writes it: the file is something else.
            if "\0" in text:
                raise forms.ValidationError(_("The file is not a text. Save the table as CSV in UTF-8."))
            return text
        raise forms.ValidationError(_("The file is not encoded in UTF-8."))


class LineWriter:
    """A file for csv.writer that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def price_urls(page: ShopModelAdmin) -> list[URLPattern]:
    """Return the URLs of export and import for the list that ``page`` shows."""
    wrap = page.admin_site.admin_view

    def export(request: HttpRequest) -> StreamingHttpResponse:
        # The file has the cost of every service.
        if not (page.has_view_permission(request) and page.sees(request, "cost_")):
            raise PermissionDenied
        writer = csv.writer(LineWriter())
        response = StreamingHttpResponse((writer.writerow(row) for row in sheet_rows()), content_type="text/csv")
        response["Content-Disposition"] = 'attachment; filename="prices.csv"'
        return response

    def import_prices(request: HttpRequest) -> HttpResponse:
        return _import_prices(page, request)

    return [
        path("prices.csv", wrap(export), name="catalog_service_prices"),
        path("prices/", wrap(import_prices), name="catalog_service_import_prices"),
    ]


def _import_prices(page: ShopModelAdmin, request: HttpRequest) -> HttpResponse:
    """Show what a file would change, and change it once exactly that is confirmed."""
    if not page.has_change_permission(request):
        raise PermissionDenied
    form, sheet, is_other = SheetForm(), None, False
    # 1. The confirmed preview: set the prices it carries, if that still does what was shown.
    if request.method == "POST" and "confirmed" in request.POST:
        with transaction.atomic():
            lock_all_providers()
            sheet = read_sheet(request.POST.get("text", ""))
            if proves_preview(request, sheet.digest) and not sheet.problems:
                return _set_prices(request, sheet)
        is_other = True
    # 2. A file: preview what it would change, and carry that to the confirmation.
    elif request.method == "POST":
        form = SheetForm(request.POST, request.FILES)
        if form.is_valid():
            sheet = read_sheet(form.cleaned_data["sheet"])
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        **preview_of(request, sheet),
        "title": _t("Import prices"),
        "opts": page.opts,
        "form": form,
        "is_other": is_other,
    }
    return TemplateResponse(request, "admin/catalog/service/prices.html", context)


def preview_of(request: HttpRequest, sheet: SheetReading | CustomerSheet | None) -> dict[str, Any]:
    """Return what the page shows of ``sheet``, and what its form sends to confirm just that."""
    if sheet is None:
        return {"sheet": None}
    seen = {SEEN: proof_of_preview(request, sheet.digest)}
    return {"sheet": sheet, "shown": sheet.prices[:_SHOWN], "text": sheet.text, "seen": seen}


def _set_prices(request: HttpRequest, sheet: SheetReading) -> HttpResponse:
    """Set the prices of ``sheet`` in the caller's transaction."""
    prices = {price.service_id: price.own_price for price in sheet.prices}
    old = dict(Service.objects.filter(pk__in=prices).values_list("pk", "own_price"))
    changed = set_own_prices(prices, now=database_now())
    changes = [
        Change(service, {"own_price": old[service.pk]}, {"own_price": service.own_price})
        for service in Service.objects.filter(pk__in=prices).only("name", "own_price")
        if old[service.pk] != service.own_price
    ]
    record_staff_changes(staff_actor(request), "prices.import", changes)
    counted = ngettext("%(n)s price changed.", "%(n)s prices changed.", changed)
    messages.success(request, counted % {"n": f"{changed:,}"})
    return HttpResponseRedirect(reverse("admin:catalog_service_changelist"))
