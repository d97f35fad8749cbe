from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.admin.topup_decisions import DecideForm
from billing.models import UnknownPayment
from core.clock import database_now
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin


@admin.register(UnknownPayment)
class UnknownPaymentAdmin(ReadOnlyAdmin):
    """Payments that a gateway lists and no top-up explains. Staff find out whose they are, and close the rows."""

    change_form_template = "admin/billing/unknownpayment/change_form.html"
    list_display = ("payment_id", "method", "amount_", Lines("payer", "reference"), "paid_at", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "method")
    list_select_related = ("method",)
    search_fields = ("=payment_id", "=reference", "=payer")
    fields = (
        "payment_id", "method", "amount_", "payer", "reference", "paid_at", "seen_at", "closed_at", "closed_by",
        "reason",
    )  # fmt: skip
    list_per_page = 50

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_urls(self) -> list[URLPattern]:
        close = path("<int:pk>/close/", self.admin_site.admin_view(self.close), name="billing_unknownpayment_close")
        return [close, *super().get_urls()]

    def has_close_permission(self, request: HttpRequest) -> bool:
        """True for staff who may decide about top-ups."""
        return request.user.has_perm("billing.change_topup")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        about = {"may_close": self.has_close_permission(request)}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def close(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close a row, with what became of the payment."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self.has_view_permission(request) and self.has_close_permission(request)):
            raise PermissionDenied
        row, form = get_object_or_404(UnknownPayment, pk=pk if pk < 2**63 else 0), DecideForm(request.POST)
        if not form.is_valid():
            messages.error(request, _t("Write what became of the payment."))
            return redirect("admin:billing_unknownpayment_change", pk)
        reason = form.cleaned_data["reason"]
        with transaction.atomic():
            open_row = UnknownPayment.objects.filter(pk=pk, closed_at=None)
            if open_row.update(closed_at=database_now(), closed_by=str(request.user)[:254], reason=reason):
                self.record(request, row, "unknown_payment.close", _t("Closed"), reason=reason)
                messages.success(request, _t("Closed."))
        return redirect("admin:billing_unknownpayment_changelist")

    @admin.display(description=_("amount"), ordering="amount")
    def amount_(self, payment: UnknownPayment) -> str:
        return payment.amount_text
