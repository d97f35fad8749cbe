"""How staff send a payment of a top-up back: through its gateway, or by hand."""

from decimal import Decimal

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.contract import Ability
from billing.models import TopUp
from billing.models.topups import RefundState
from billing.topups import methods, refunding, refunds_by_hand
from core.clock import database_now
from core.numbers import NotANumber, read_decimal, read_whole
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.staff_actions import staff_actor

PAGE = "admin:billing_topup_change"


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


class RefundingAdmin(ReadOnlyAdmin):
    """What the page of top-ups needs for that."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/refund/", wrap(self.refund), name="billing_topup_refund"),
            path("<int:pk>/refund-by-hand/", wrap(self.refund_by_hand), name="billing_topup_refund_by_hand"),
        ]
        return [*own, *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """True for staff with the permission "change top-up", though no form changes one."""
        return request.user.has_perm("billing.change_topup")

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
                bears_rest="bears_rest" in request.POST,
            )
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return redirect(PAGE, pk)
        words = {"amount": refund.amount_text, "number": topup.number}
        said = _t("%(amount)s of %(number)s is being sent back.") % words
        if methods.can(topup.method, Ability.REFUND_LINK):
            said = _t("%(amount)s of %(number)s is out of the wallet. The customer gets a link to collect it.") % words
        if refund.state == RefundState.BY_HAND:
            said = _t("%(amount)s of %(number)s is out of the wallet: send it now, then write its transaction.") % words
        self.note_in_history(request, topup, said)
        messages.success(request, said)
        return redirect(PAGE, pk)

    def refund_by_hand(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record with which transaction a refund was sent, or put its money back into the wallet."""
        topup = self._posted(request, pk)
        if topup is None:
            return HttpResponseNotAllowed(["POST"])
        refund_id, words = read_whole(request.POST.get("refund", "")) or 0, request.POST.get("words", "")[:300]
        actor, now = staff_actor(request), database_now()
        try:
            if "sent" in request.POST:
                refund = refunds_by_hand.mark_sent(
                    topup_id=pk, refund_id=refund_id, transaction_id=words, actor=actor, now=now
                )
                said = _t("%(amount)s of %(number)s is recorded as sent.")
            else:
                refund = refunds_by_hand.mark_not_sent(
                    topup_id=pk, refund_id=refund_id, actor=actor, reason=words, now=now
                )
                said = _t("%(amount)s of %(number)s is in the wallet again.")
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return redirect(PAGE, pk)
        said %= {"amount": refund.amount_text, "number": topup.number}
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
