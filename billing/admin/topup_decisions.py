"""What staff do with one top-up: have it looked at, decide it, review a transfer, settle what is above it."""

import json
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.admin.topup_refunds import PAGE, RefundingAdmin, ReviewForm
from billing.documents import pdf
from billing.evidence.file import as_html, evidence_of
from billing.models import TopUp, TopUpState, TransferNotice
from billing.models.files import FileKind
from billing.topups import holding, reviewing, surplus
from billing.topups.deciding import decide
from billing.topups.looking import look
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import staff_actor
from core.templatetags.money import money_text


class DecideForm(forms.Form):
    """Why, in words that stay with the top-up."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.TextInput(attrs={"size": 60}))


class DecidingAdmin(RefundingAdmin):
    """What the page of top-ups needs in order to do them."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/look/", wrap(self.look), name="billing_topup_look"),
            path("<int:pk>/decide/", wrap(self.decide), name="billing_topup_decide"),
            path("<int:pk>/proof/<int:notice>/", wrap(self.proof), name="billing_topup_proof"),
            path("<int:pk>/evidence/", wrap(self.evidence), name="billing_topup_evidence"),
            path("<int:pk>/surplus/", wrap(self.surplus), name="billing_topup_surplus"),
            path("<int:pk>/review/", wrap(self.review), name="billing_topup_review"),
            path("<int:pk>/release/", wrap(self.release), name="billing_topup_release"),
        ]
        return [*own, *super().get_urls()]

    def look(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the gateway now."""
        topup = self._posted(request, pk)
        if topup is None:
            return HttpResponseNotAllowed(["POST"])
        with transaction.atomic():
            self.record(request, topup, "topup.look", _t("Checked"))
        found = look(topup.pk, cause=staff_actor(request).name, now=database_now())
        if found.misses:
            messages.error(request, _t("The gateway did not answer. It is asked again by itself."))
        else:
            messages.success(request, _t("The gateway answered."))
        return redirect(PAGE, pk)

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Credit what came in, or reject it."""
        topup = self._posted(request, pk)
        if topup is None:
            return HttpResponseNotAllowed(["POST"])
        form = DecideForm(request.POST)
        if not form.is_valid():
            messages.error(request, _t("Nothing was decided: give a reason."))
            return redirect(PAGE, pk)
        try:
            topup = decide(
                topup_id=pk,
                accept="accept" in request.POST,
                actor=staff_actor(request),
                reason=form.cleaned_data["reason"],
                now=database_now(),
            )
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return redirect(PAGE, pk)
        words = {"number": topup.number, "amount": money_text(topup.credited)}
        said = _t("%(number)s: %(amount)s is credited.") if topup.credited else _t("%(number)s is rejected.")
        self.note_in_history(request, topup, said % words)
        messages.success(request, said % words)
        return redirect(PAGE, pk)

    def review(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Approve a transfer with the amount that was seen, or reject it."""
        topup = self._posted(request, pk)
        if topup is None:
            return HttpResponseNotAllowed(["POST"])
        form, actor, now = ReviewForm(request.POST), staff_actor(request), database_now()
        if not form.is_valid():
            messages.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
            return redirect(PAGE, pk)
        reason, amount = form.cleaned_data["reason"], form.cleaned_data["amount"]
        try:
            if "approve" in request.POST:
                seen = Decimal(0) if amount is None else amount
                topup = reviewing.approve(topup_id=pk, amount=seen, actor=actor, reason=reason, now=now)
            else:
                topup = reviewing.reject(topup_id=pk, actor=actor, reason=reason, now=now)
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return redirect(PAGE, pk)
        words = {"number": topup.number, "amount": money_text(topup.credited)}
        if topup.credited:
            said = _t("%(number)s: %(amount)s is credited.") % words
        elif topup.state == TopUpState.FAILED:
            said = _t("%(number)s is rejected.") % words
        else:
            said = _t("%(number)s: approved by you. A second person has to approve it as well.") % words
        self.note_in_history(request, topup, said)
        messages.success(request, said)
        return redirect(PAGE, pk)

    def release(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let the customer spend what is held of it."""
        topup = self._posted(request, pk)
        if topup is None:
            return HttpResponseNotAllowed(["POST"])
        form = DecideForm(request.POST)
        if not form.is_valid():
            messages.error(request, _t("Nothing was released: give a reason."))
            return redirect(PAGE, pk)
        try:
            holding.release(
                topup_id=pk, actor=staff_actor(request), reason=form.cleaned_data["reason"], now=database_now()
            )
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return redirect(PAGE, pk)
        said = _t("%(number)s can be spent now.") % {"number": topup.number}
        self.note_in_history(request, topup, said)
        messages.success(request, said)
        return redirect(PAGE, pk)

    def proof(self, request: HttpRequest, pk: int, notice: int) -> HttpResponse:
        """The file that a customer sent, so that nothing in it runs: a picture of ours, or a PDF to download."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if max(pk, notice) >= 2**63:
            raise Http404
        found = get_object_or_404(TransferNotice.objects.select_related("proof"), pk=notice, topup=pk)
        if found.proof is None:
            raise Http404
        answer = HttpResponse(bytes(found.proof.content), content_type=found.proof.kind)
        is_picture = found.proof.kind == FileKind.JPEG
        name = f"T-{pk}-{notice}.{'jpg' if is_picture else 'pdf'}"
        answer["Content-Disposition"] = f'{"inline" if is_picture else "attachment"}; filename="{name}"'
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
        answer["Cross-Origin-Resource-Policy"] = "same-origin"
        return answer

    def evidence(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Everything for a dispute about a payment, as a file: JSON, or a PDF where those can be made."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = TopUp.objects.select_related("customer", "method")
        topup = get_object_or_404(found, pk=pk if pk < 2**63 else 0)
        facts = evidence_of(topup, now=database_now())
        is_pdf = request.GET.get("as") == "pdf"
        if is_pdf and not pdf.is_available():
            raise Http404
        content = pdf.made_of(as_html(facts)) if is_pdf else json.dumps(facts, ensure_ascii=False, indent=2).encode()
        kind = "application/pdf" if is_pdf else "application/json"
        answer = HttpResponse(content, content_type=kind)
        answer["Content-Disposition"] = f'attachment; filename="{topup.number}.{kind[12:]}"'
        return answer

    def surplus(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Credit what was paid above what the top-up asked for, or write off what is not credited."""
        if self._posted(request, pk) is None:
            return HttpResponseNotAllowed(["POST"])
        form = DecideForm(request.POST)
        if not form.is_valid():
            messages.error(request, _t("Nothing was decided: give a reason."))
            return redirect(PAGE, pk)
        is_credit, actor, reason = "credit" in request.POST, staff_actor(request), form.cleaned_data["reason"]
        settle = surplus.credit_surplus if is_credit else surplus.write_off
        try:
            topup = settle(topup_id=pk, actor=actor, reason=reason, now=database_now())
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return redirect(PAGE, pk)
        words = {"number": topup.number, "amount": money_text(topup.credited)}
        credited = _t("%(number)s: %(amount)s is credited.") % words
        said = credited if is_credit else _t("%(number)s: what is left of the payment is written off.") % words
        self.note_in_history(request, topup, said)
        messages.success(request, said)
        return redirect(PAGE, pk)
