import csv
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.staff_limits import OverLimit
from billing.amounts import BadAmount, parse_amount
from billing.models import VoucherBatch
from billing.topups.vouchers import MOST_CODES, BadBatch, make_batch, stop_batch
from core.clock import database_now
from core.list_columns import Lines
from core.numbers import NotANumber, read_decimal
from core.shop_admin import ShopModelAdmin
from core.shown_once import keep_for_page, take_for_page
from core.staff_actions import staff_actor
from core.templatetags.money import money_html


class BatchForm(forms.Form):
    """What to make: the codes are in the file that follows, and nowhere else."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("For you: customers do not see it."))
    amount = forms.CharField(label=_("Amount of each"), max_length=40)
    count = forms.IntegerField(label=_("Codes"), min_value=1, max_value=MOST_CODES)
    is_gift = forms.BooleanField(
        label=_("Given away"),
        required=False,
        help_text=_("On: they count as a bonus of the shop. Off: you sold them, and the money came in elsewhere."),
    )
    good_until = forms.DateTimeField(
        label=_("Good until"), required=False, help_text=_("Such as 2027-12-31 23:59. Empty: for ever.")
    )

    def clean_amount(self) -> Any:
        try:
            return parse_amount(f"{read_decimal(self.cleaned_data['amount'], point='.'):f}")
        except (BadAmount, NotANumber) as problem:
            raise ValidationError(str(problem.message)) from problem


@admin.register(VoucherBatch)
class VoucherBatchAdmin(ShopModelAdmin):
    """Batches of codes. Its codes are given once, as a file; afterwards it can only be stopped."""

    change_form_template = "admin/billing/voucherbatch/change_form.html"
    list_display = (
        "name",
        "amount_",
        Lines("redeemed_", "count"),
        "is_gift",
        Lines("good_until", "stopped_at"),
        "created_at",
    )
    list_filter = ("is_gift", ("stopped_at", admin.EmptyFieldListFilter))
    search_fields = ("name",)
    fields = ("name", "amount_", "count", "redeemed_", "is_gift", "good_until", "stopped_at", "made_by", "created_at")
    readonly_fields = fields
    actions = ("stop",)

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[VoucherBatch]:
        used = Count("vouchers", filter=Q(vouchers__topup__isnull=False))
        return super().get_queryset(request).annotate(redeemed=used)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """True for people who may make codes."""
        return self.has_add_permission(request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask what to make; the file of the codes is downloaded from the batch's page, once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = BatchForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                batch, codes = make_batch(**form.cleaned_data, actor=staff_actor(request), now=database_now())
            except (BadBatch, OverLimit) as refusal:
                form.add_error(None, str(refusal.message))
            else:
                self.note_in_history(request, batch, _t("Made %(count)d codes") % {"count": len(codes)})
                keep_for_page(request, _kept(batch.pk), " ".join(codes), now=database_now())
                messages.success(request, _t("Made. Download the codes now: it works once, for ten minutes."))
                return redirect("admin:billing_voucherbatch_change", batch.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Make voucher codes"),
            "opts": self.opts,
            "media": self.media,
            "form": form,
        }
        return TemplateResponse(request, "admin/billing/voucherbatch/make.html", context)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [path("<int:pk>/codes/", wrap(self.codes), name="billing_voucherbatch_codes")]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        about = {"has_codes": _kept(object_id) in request.session}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def codes(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The codes as a file, once, for the person who made them."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        batch = get_object_or_404(VoucherBatch, pk=pk)
        codes = take_for_page(request, _kept(pk), now=database_now())
        if not self.has_add_permission(request) or codes is None:
            messages.error(
                request, _t("The codes can be downloaded once, for ten minutes. Stop the batch and make one.")
            )
            return redirect("admin:billing_voucherbatch_changelist")
        return _file(batch, codes.split())

    @admin.action(description=_("Stop: no code of it can be redeemed any more"), permissions=["stop"])
    def stop(self, request: HttpRequest, queryset: QuerySet[VoucherBatch]) -> None:
        for batch in queryset:
            if stop_batch(batch, actor=staff_actor(request), reason="", now=database_now()):
                self.note_in_history(request, batch, _t("Stopped"))
                messages.success(request, _t("No code of %(name)s can be redeemed any more.") % {"name": batch})

    @admin.display(description=_("amount of each"), ordering="amount")
    def amount_(self, batch: VoucherBatch) -> SafeString:
        return money_html(batch.amount)

    @admin.display(description=_("redeemed"), ordering="redeemed")
    def redeemed_(self, batch: VoucherBatch) -> int:
        return batch.redeemed  # type: ignore[attr-defined]  # annotated by get_queryset


def _kept(batch: object) -> str:
    """The name under which the codes of a batch wait, sealed in the session of the person who made them."""
    return f"voucher-codes-{batch}"


def _file(batch: VoucherBatch, codes: list[str]) -> HttpResponse:
    """The codes as a file that is kept nowhere."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="vouchers-{batch.pk}.csv"'
    answer["Cache-Control"] = "private, no-store"
    writer = csv.writer(answer)
    writer.writerow(["code", "amount"])
    writer.writerows([code, f"{batch.amount:.5f}"] for code in codes)
    return answer
