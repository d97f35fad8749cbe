"""What staff do with one top-up: have it looked at, decide it, review a transfer, send a payment back."""

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.models import TopUp, TopUpState, TransferNotice
from billing.models.files import FileKind
from billing.topups import refunding, reviewing
from billing.topups.deciding import decide
from billing.topups.looking import look
from core.clock import database_now
from core.numbers import NotANumber, read_decimal, read_whole
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.staff_actions import staff_actor
from core.templatetags.money import money_text

PAGE = "admin:billing_topup_change"


class DecideForm(forms.Form):
    """Why, in words that stay with the top-up."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=forms.TextInput(attrs={"size": 60}))


class ReviewForm(forms.Form):
    """What was seen in the account, or why the transfer is rejected."""

    amount = forms.CharField(label=_("Amount seen"), max_length=40, required=False)
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)

    def clean_amount(self) -> Decimal | None:
        text = self.cleaned_data["amount"]
        if not text:
            return None
        try:
            return read_decimal(text, point=".")
        except NotANumber as problem:
            raise ValidationError(str(problem.message)) from problem


class DecidingAdmin(ReadOnlyAdmin):
    """What the page of top-ups needs in order to do them."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/look/", wrap(self.look), name="billing_topup_look"),
            path("<int:pk>/decide/", wrap(self.decide), name="billing_topup_decide"),
            path("<int:pk>/proof/<int:notice>/", wrap(self.proof), name="billing_topup_proof"),
            path("<int:pk>/refund/", wrap(self.refund), name="billing_topup_refund"),
            path("<int:pk>/review/", wrap(self.review), name="billing_topup_review"),
        ]
        return [*own, *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """True for staff with the permission "change top-up", though no form changes one."""
        return request.user.has_perm("billing.change_topup")

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

    def refund(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a payment back, or a part of it."""
        topup = self._posted(request, pk)
        if topup is None:
            return HttpResponseNotAllowed(["POST"])
        form, payment = ReviewForm(request.POST), read_whole(request.POST.get("payment", ""))
        if not form.is_valid():
            messages.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
            return redirect(PAGE, pk)
        try:
            refund = refunding.ask_refund(
                topup_id=pk,
                payment_id=payment or 0,
                amount=form.cleaned_data["amount"] or Decimal(0),
                actor=staff_actor(request),
                reason=form.cleaned_data["reason"],
                now=database_now(),
            )
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return redirect(PAGE, pk)
        said = _t("%(amount)s of %(number)s is being sent back.") % {
            "amount": refund.amount_text,
            "number": topup.number,
        }
        self.note_in_history(request, topup, said)
        messages.success(request, said)
        return redirect(PAGE, pk)

    def _posted(self, request: HttpRequest, pk: int) -> TopUp | None:
        """The top-up of a POST request; None for other methods. Raises PermissionDenied."""
        if request.method != "POST":
            return None
        if not (self.has_view_permission(request) and self.has_decide_permission(request)):
            raise PermissionDenied
        return get_object_or_404(TopUp, pk=pk)
