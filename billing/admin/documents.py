from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.documents import pdf
from billing.documents.pages import pdf_answer
from billing.models import Document, MoneySettings
from billing.models.settings import money_settings
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.shop_admin import ShopModelAdmin
from core.templatetags.money import money_html


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """Receipts and credit notes: staff read and print them, and nobody changes one."""

    list_display = ("number_", "kind", Lines("customer", "topup"), "amount_", "tax_", "made_at")
    list_filter = ("kind", "made_at")
    list_select_related = ("customer", "topup")
    search_fields = ("=ordinal", "=customer__email")
    search_help_text = _("The last digits of the number, or the whole e-mail address of a customer")
    fields = (
        "number_", "kind", "customer", "topup", "corrects", "amount_", "fee_", "tax_", "language", "made_at", "paper_",
    )  # fmt: skip
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("html")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/paper/", wrap(self.paper), name="billing_document_paper"),
            path("<int:pk>/pdf/", wrap(self.pdf), name="billing_document_pdf"),
        ]
        return [*own, *super().get_urls()]

    def paper(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document as its customer sees it, to print."""
        return TemplateResponse(request, "billing/document_alone.html", {"document": self._found(request, pk)})

    def pdf(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document as a PDF."""
        document = self._found(request, pk)
        if not pdf.is_available():
            raise Http404
        return pdf_answer(document)

    def _found(self, request: HttpRequest, pk: int) -> Document:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return get_object_or_404(Document, pk=pk if pk < 2**63 else 0)

    @admin.display(description=_("number"), ordering="pk")
    def number_(self, document: Document) -> str:
        return document.number

    @admin.display(description=_("amount"), ordering="amount")
    def amount_(self, document: Document) -> SafeString:
        return money_html(document.amount)

    @admin.display(description=_("fee"))
    def fee_(self, document: Document) -> SafeString:
        return money_html(document.fee)

    @admin.display(description=_("tax"), ordering="tax")
    def tax_(self, document: Document) -> SafeString:
        return money_html(document.tax)

    @admin.display(description=_("paper"))
    def paper_(self, document: Document) -> SafeString:
        page = reverse("admin:billing_document_paper", args=[document.pk])
        link = format_html('<a href="{}">{}</a>', page, _("Show and print"))
        if not pdf.is_available():
            return link
        return format_html('{} · <a href="{}">PDF</a>', link, reverse("admin:billing_document_pdf", args=[document.pk]))


@admin.register(MoneySettings)
class MoneySettingsAdmin(ShopModelAdmin):
    """One form: the company on receipts, tax, the credit for new customers, and which credits are listed."""

    fieldsets = (
        (_("Company"), {"fields": ("company", "address", "tax_number", "foot")}),
        (_("Tax"), {"fields": ("tax_name", "tax_percent")}),
        (_("New customers"), {"fields": ("signup_credit", "signup_budget")}),
        (_("Large credits"), {"fields": ("list_from",)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        MoneySettings.objects.bulk_create([money_settings()], ignore_conflicts=True)
        return redirect("admin:billing_moneysettings_change", 1)
