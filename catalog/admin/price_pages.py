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

from catalog.models import Service
from catalog.prices.price_sheet import read_sheet, sheet_rows
from catalog.shop.bulk_edit import set_own_prices
from core.clock import database_now
from core.shop_admin import ShopModelAdmin

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
                return found.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise forms.ValidationError(_("The file is not encoded in UTF-8."))


class _Line:
    """A file for csv.writer that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def price_urls(page: ShopModelAdmin) -> list[URLPattern]:
    """Return the URLs of export and import for the list that ``page`` shows."""
    wrap = page.admin_site.admin_view

    def export(request: HttpRequest) -> StreamingHttpResponse:
        if not page.has_view_permission(request):
            raise PermissionDenied
        writer = csv.writer(_Line())
        response = StreamingHttpResponse((writer.writerow(row) for row in sheet_rows()), content_type="text/csv")
        response["Content-Disposition"] = 'attachment; filename="prices.csv"'
        return response

    def import_prices(request: HttpRequest) -> HttpResponse:
        if not page.has_change_permission(request):
            raise PermissionDenied
        # 1. The confirmed preview: set the prices it carries.
        if request.method == "POST" and "confirmed" in request.POST:
            confirmed = read_sheet(request.POST.get("text", ""))
            prices = {price.service_id: price.own_price for price in confirmed.prices}
            with transaction.atomic():
                old = dict(Service.objects.filter(pk__in=prices).values_list("pk", "own_price"))
                changed = set_own_prices(prices, now=database_now())
                for service in Service.objects.filter(pk__in=prices):
                    if old[service.pk] != service.own_price:
                        before, after = {"own_price": old[service.pk]}, {"own_price": service.own_price}
                        page.record(request, service, "prices.import", before=before, after=after)
            counted = ngettext("%(n)s price changed.", "%(n)s prices changed.", changed)
            messages.success(request, counted % {"n": f"{changed:,}"})
            return HttpResponseRedirect(reverse("admin:catalog_service_changelist"))
        # 2. A file: preview what it would change, and carry that to the confirmation.
        form, reading, text = SheetForm(), None, ""
        if request.method == "POST":
            form = SheetForm(request.POST, request.FILES)
            if form.is_valid():
                reading = read_sheet(form.cleaned_data["sheet"])
                lines = [f"{p.service_id},{'' if p.own_price is None else p.own_price}" for p in reading.prices]
                text = "\n".join(["id,own_price", *lines])
        context: dict[str, Any] = {
            **page.admin_site.each_context(request),
            "title": _t("Import prices"),
            "opts": page.opts,
            "form": form,
            "reading": reading,
            "shown": reading.prices[:_SHOWN] if reading else [],
            "text": text,
        }
        return TemplateResponse(request, "admin/catalog/service/prices.html", context)

    return [
        path("prices.csv", wrap(export), name="catalog_service_prices"),
        path("prices/", wrap(import_prices), name="catalog_service_import_prices"),
    ]
