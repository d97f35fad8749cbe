"""The customer's receipts: a list, each one as it was written, its PDF, and to whom the next ones are made out."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import CustomerRequest
from billing.documents import pdf
from billing.models import BuyerDetails, Document

PER_PAGE = 50
MOST_LINES = 6


class DetailsForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """What receipts say about their customer."""

    class Meta:
        model = BuyerDetails
        fields = ("name", "address", "tax_number")

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if len(address.splitlines()) > MOST_LINES:
            raise ValidationError(_t("An address has at most %(lines)d lines.") % {"lines": MOST_LINES})
        return address


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def documents(request: CustomerRequest) -> HttpResponse:
    """List the customer's receipts and credit notes, newest first, and change the details for the next ones."""
    details = BuyerDetails.objects.filter(customer=request.customer).first()
    form = DetailsForm(request.POST or None, instance=details or BuyerDetails(customer=request.customer))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _t("Saved for the next receipts."))
        return redirect("billing:documents")
    found = Document.objects.filter(customer=request.customer).select_related("topup").defer("html")
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {"page": "wallet", "shown": shown, "form": form, "has_pdf": pdf.is_available()}
    return render(request, "billing/documents.html", context)


@require_safe
@login_required
def document(request: CustomerRequest, pk: int) -> HttpResponse:
    """Show one document as it was written."""
    found = _own(request, pk)
    context = {"page": "wallet", "document": found, "has_pdf": pdf.is_available()}
    return render(request, "billing/document.html", context)


@require_safe
@login_required
def document_pdf(request: CustomerRequest, pk: int) -> HttpResponse:
    """Download one document as a PDF."""
    found = _own(request, pk)
    if not pdf.is_available():
        raise Http404
    return pdf_answer(found)


def pdf_answer(found: Document) -> HttpResponse:
    """Return the PDF of a document as a file to keep."""
    answer = HttpResponse(pdf.pdf_of(found), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{found.number}.pdf"'
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _own(request: CustomerRequest, pk: int) -> Document:
    """The customer's own document; another's does not exist for them."""
    if pk > 2**63 - 1:
        raise Http404
    found: Document = get_object_or_404(Document, pk=pk, customer=request.customer)
    return found
