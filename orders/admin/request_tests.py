"""Test orders: the owner sees the price, orders, and reads here what came of both requests."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from catalog.admin.figures import provider_amount_html
from catalog.models import Provider, ProviderService
from core.clock import database_now
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.staff_actions import staff_actor
from orders.forwarding import request_tests
from orders.models import RequestIdTest


class TestOrderForm(forms.Form):
    """What to order; with ``seen``, the price that the page showed, it is ordered."""

    service = forms.CharField(
        label=_("Service id at the provider"),
        max_length=64,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
        help_text=_("A cheap service that needs only a link and a quantity, of type Default."),
    )
    link = forms.CharField(
        label=_("Link"),
        max_length=1000,
        strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr", "size": 60}),
        help_text=_("Your own page or post. If the provider ignores the key, the order is delivered twice."),
    )
    quantity = forms.IntegerField(
        label=_("Quantity"),
        min_value=1,
        max_value=10**12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "dir": "ltr"}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
    seen = forms.CharField(max_length=60, required=False, widget=forms.HiddenInput)


@admin.register(RequestIdTest)
class RequestIdTestAdmin(ReadOnlyAdmin):
    list_display = ("provider", "state", Lines("created_at", "finished_at"), "actor", Lines("first_id", "second_id"))
    list_filter = ("state", "provider")
    list_select_related = ("provider",)
    fields = (
        "provider", "state", "result", "service_name", "external_service_id", "fields", "price_", "request_id", "actor",
        "created_at", "first_sent_at", "first_id", "first_answer", "second_due_at", "second_sent_at", "second_id",
        "second_answer", "finished_at",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.order)
        return [path("order/<int:pk>/", view, name="orders_requestidtest_order"), *super().get_urls()]

    def has_order_permission(self, request: HttpRequest) -> bool:
        """Who may spend the shop's money at a provider for a test."""
        return request.user.has_perm("orders.add_requestidtest")

    def order(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form; then the same with the price; then the test order."""
        if not self.has_order_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        provider = get_object_or_404(Provider, pk=pk)
        form = TestOrderForm(request.POST or None, initial={"key": uuid.uuid4(), "link": ""})
        prices: tuple[Any, Any] | None = None
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            source = ProviderService.objects.filter(provider=provider, external_id=given["service"]).first()
            try:
                if source is None:
                    raise request_tests.NoTestOrder(_t("The provider's list has no service with this id."))
                source.provider = provider
                price = request_tests.price_of(source, given["quantity"])
                seen = f"{price.once.normalize():f} {provider.currency}"
                if given["seen"] == seen:
                    return self._ordered(request, source, given)
                if given["seen"]:
                    messages.warning(request, _t("The price has changed. Nothing was ordered."))
                form.data = {**form.data.dict(), "seen": seen}  # type: ignore[attr-defined]  # a QueryDict
                currency = provider.currency
                prices = (provider_amount_html(price.once, currency), provider_amount_html(price.at_most, currency))
            except Refusal as refusal:
                form.add_error(None, str(refusal.message))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Test order"),
            "opts": self.opts,
            "media": self.media,
            "provider": provider,
            "form": form,
            "prices": prices,
            "earlier": RequestIdTest.objects.filter(provider=provider)[:10],
        }
        return TemplateResponse(request, "admin/orders/requestidtest/order.html", context)

    def _ordered(self, request: HttpRequest, source: ProviderService, given: dict[str, Any]) -> HttpResponse:
        test, is_new = request_tests.order_test(
            source, link=given["link"], quantity=given["quantity"], key=given["key"], actor=staff_actor(request),
            now=database_now(),
        )  # fmt: skip
        if is_new:
            self.note_in_history(request, test, _t("Ordered"))
            messages.success(
                request, _t("Ordered. The second request leaves in ten minutes; this page shows the result.")
            )
        else:
            messages.warning(request, _t("This test was ordered before; nothing was added."))
        return redirect("admin:orders_requestidtest_change", test.pk)

    @admin.display(description=_("price"))
    def price_(self, test: RequestIdTest) -> str:
        return provider_amount_html(test.expected_charge, test.currency)
