"""Prices out to a CSV file and back in, with a look at what would change before it does."""

import csv
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.prices.price_sheet import SheetReading, read_sheet, sheet_rows
from catalog.shop.bulk_edit import set_own_prices
from core.clock import database_now

_MOST_BYTES = 10_000_000
_SHOWN = 200


class SheetForm(forms.Form):
    sheet = forms.FileField(label=_("CSV file"), help_text=_("With the columns id and own_price, in UTF-8"))

    def clean_sheet(self) -> str:
        sheet = self.cleaned_data["sheet"]
        if sheet.size > _MOST_BYTES:
            raise forms.ValidationError(_("This file is too large."))
        try:
            return str(sheet.read().decode())
        except UnicodeDecodeError:
            raise forms.ValidationError(_("This is not a UTF-8 file.")) from None


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def price_urls(page: admin.ModelAdmin) -> list[URLPattern]:  # type: ignore[type-arg]
    """The two pages beside the list that ``page`` shows."""
    wrap = page.admin_site.admin_view

    def export(request: HttpRequest) -> StreamingHttpResponse:
        if not page.has_view_permission(request):
            raise PermissionDenied
        writer = csv.writer(_Line())
        response = StreamingHttpResponse((writer.writerow(row) for row in sheet_rows()), content_type="text/csv")
        response["Content-Disposition"] = 'attachment; filename="prices.csv"'
        return response

    def bring_in(request: HttpRequest) -> HttpResponse:
        if not page.has_change_permission(request):
            raise PermissionDenied
        return _bring_in(request, page)

    return [
        path("prices.csv", wrap(export), name="catalog_service_prices"),
        path("prices/", wrap(bring_in), name="catalog_service_bring_prices"),
    ]


def _bring_in(request: HttpRequest, page: admin.ModelAdmin) -> HttpResponse:  # type: ignore[type-arg]
    form, text = SheetForm(), request.POST.get("text", "")
    reading: SheetReading | None = None
    if request.method == "POST" and "confirmed" in request.POST:
        prices = {price.service_id: price.own_price for price in read_sheet(text).prices}
        changed = set_own_prices(prices, now=database_now())
        told = ngettext("%(n)s price changed.", "%(n)s prices changed.", changed)
        messages.success(request, told % {"n": f"{changed:,}"})
        return HttpResponseRedirect(reverse("admin:catalog_service_changelist"))
    if request.method == "POST":
        form = SheetForm(request.POST, request.FILES)
        if form.is_valid():
            reading = read_sheet(form.cleaned_data["sheet"])
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "title": _t("Bring prices in"),
        "opts": page.opts,
        "form": form,
        "reading": reading,
        "shown": reading.prices[:_SHOWN] if reading else [],
        "text": _slim(reading) if reading else "",
    }
    return TemplateResponse(request, "admin/catalog/service/prices.html", context)


def _slim(reading: SheetReading) -> str:
    """What was understood and changes something, carried to the confirmation."""
    lines = [f"{p.service_id},{'' if p.own_price is None else p.own_price}" for p in reading.prices]
    return "\n".join(["id,own_price", *lines])
