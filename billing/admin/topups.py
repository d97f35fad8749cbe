from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.admin.topup_decisions import DecidingAdmin
from billing.gateways.manual.gateway import approvers_needed
from billing.models import PaymentRefund, TopUp, TopUpState
from billing.models.topups import TO_DECIDE
from billing.topups import methods, refunding, reviewing
from billing.topups.deciding import may_decide
from billing.topups.words import topup_state
from core.numbers import ascii_digits
from core.templatetags.money import money_html

PAGE = "admin:billing_topup_change"


class WaitingFilter(admin.SimpleListFilter):
    title = _("decision")
    parameter_name = "decide"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Waits for you"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TopUp]) -> QuerySet[TopUp]:
        sent = Q(state=TopUpState.PENDING, notices__isnull=False)
        waiting = Q(pk__in=TopUp.objects.filter(sent).values("pk")) | Q(state__in=TO_DECIDE, decision="")
        return queryset.filter(waiting) if self.value() == "1" else queryset


@admin.register(TopUp)
class TopUpAdmin(DecidingAdmin):
    """Top-ups: staff see what came in, have the gateway asked again, and decide what does not fit."""

    change_form_template = "admin/billing/topup/change_form.html"
    list_display = ("number_", "state_", "credit_", "credited_", "customer", "method", "created_at", "taken_")
    list_filter = (WaitingFilter, "state", "method", "created_at")
    list_select_related = ("customer", "method")
    search_fields = ("remote_id",)  # What is searched is in get_search_results.
    search_help_text = _("Number such as T-12, id at the gateway, reference, or the whole e-mail address of a customer")
    fields = (
        "number_", "created_at", "customer", "method", "is_live", "state_", "why", "credit_", "fee", "bonus",
        "pay_", "received_", "credited_", "taken_", "decision", "remote_id", "reference", "expires_at", "next_look_at",
    )  # fmt: skip
    list_per_page = 50

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TopUp], search_term: str
    ) -> tuple[QuerySet[TopUp], bool]:
        for word in search_term.replace("\0", "").split()[:5]:
            number = ascii_digits(word.upper().removeprefix("T-"))
            condition = Q(remote_id=word) | Q(reference=word) | Q(payments__payment_id=word)
            if number.isascii() and number.isdigit() and len(number) < 19:
                condition |= Q(pk=int(number))
            if "@" in word:
                people = list(User.objects.filter(email__iexact=word).values_list("pk", flat=True))
                condition |= Q(customer__in=people)
            queryset = queryset.filter(condition)
        return queryset, True

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        topup = self.get_object(request, object_id)
        about: dict[str, Any] = {}
        if topup is not None:
            about = {
                "payments": topup.payments.order_by("pk"),
                "history": topup.history.order_by("pk"),
                "may_change": self.has_decide_permission(request),
                "may_decide": self.has_decide_permission(request) and may_decide(topup),
                "may_review": self.has_decide_permission(request) and reviewing.may_review(topup),
                "needed": _approvers_of(topup),
                "may_refund": self.has_decide_permission(request) and refunding.can_refund(topup),
                "refunds": PaymentRefund.objects.filter(payment__topup=topup).select_related("payment"),
                "notices": topup.notices.all(),
                "reviews": topup.reviews.select_related("topup"),
            }
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    @admin.display(description=_("number"), ordering="pk")
    def number_(self, topup: TopUp) -> str:
        return topup.number

    @admin.display(description=_("state"), ordering="state")
    def state_(self, topup: TopUp) -> SafeString:
        return topup_state(topup)

    @admin.display(description=_("amount"), ordering="credit_amount")
    def credit_(self, topup: TopUp) -> SafeString:
        return money_html(topup.credit_amount)

    @admin.display(description=_("credited"), ordering="credited")
    def credited_(self, topup: TopUp) -> SafeString:
        return money_html(topup.credited)

    @admin.display(description=_("taken back"), ordering="taken")
    def taken_(self, topup: TopUp) -> SafeString:
        return money_html(topup.taken)

    @admin.display(description=_("to pay"))
    def pay_(self, topup: TopUp) -> str:
        return topup.pay_text

    @admin.display(description=_("received"))
    def received_(self, topup: TopUp) -> str:
        return topup.received_text


def _approvers_of(topup: TopUp) -> int:
    """How many of the staff have to approve a transfer; 0 for what nobody reviews."""
    if not reviewing.takes_notices(topup):
        return 0
    return approvers_needed(topup.pay_amount, methods.config_of(topup.method))
