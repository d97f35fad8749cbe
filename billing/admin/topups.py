from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.customer_filter import CustomerFilter
from billing.admin.topup_decisions import DecidingAdmin
from billing.documents import pdf
from billing.gateways.contract import Ability
from billing.gateways.reading import amount_text
from billing.models import HeldDeposit, PaymentRefund, TopUp
from billing.topups import holding, methods, refunding, reviewing, surplus
from billing.topups.deciding import may_decide, waits_for_staff
from billing.topups.finding import matching
from billing.topups.uncredited import is_uncredited
from billing.topups.words import topup_state
from core.clock import database_now
from core.list_columns import Lines
from core.templatetags.money import money_html

PAGE = "admin:billing_topup_change"


class WaitingFilter(admin.SimpleListFilter):
    title = _("decision")
    parameter_name = "decide"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Waits for you")), ("uncredited", _("Not credited"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[TopUp]) -> QuerySet[TopUp]:
        match self.value():
            case "1":
                return queryset.filter(waits_for_staff())
            case "uncredited":
                return queryset.filter(is_uncredited())
            case _everything:
                return queryset


@admin.register(TopUp)
class TopUpAdmin(DecidingAdmin):
    """Top-ups: staff see what came in, have the gateway asked again, and decide what does not fit."""

    change_form_template = "admin/billing/topup/change_form.html"
    list_display = (
        "number_", "state_", Lines("customer", "method"), "created_at", "credit_", Lines("credited_", "taken_"),
    )  # fmt: skip
    list_filter = (WaitingFilter, "state", CustomerFilter, "method", "created_at")
    list_select_related = ("customer", "method")
    search_fields = ("remote_id",)  # What is searched is in get_search_results.
    search_help_text = _("Number such as T-12, id at the gateway, reference, or the whole e-mail address of a customer")
    fields = (
        "number_", "created_at", "customer", "method", "is_live", "state_", "why", "credit_", "fee_", "bonus_",
        "pay_", "received_", "credited_", "taken_", "decision", "remote_id", "reference", "expires_at", "next_look_at",
        "address", "device", "terms",
    )  # fmt: skip
    list_per_page = 50

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[TopUp], search_term: str
    ) -> tuple[QuerySet[TopUp], bool]:
        for word in search_term.replace("\0", "").split()[:5]:
            queryset = queryset.filter(matching(word))
        return queryset, False

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
                "needed": reviewing.approvers_of(topup),
                "second_above": reviewing.second_above_text(topup),
                "may_refund": self.has_decide_permission(request) and refunding.can_refund(topup),
                "is_by_hand": methods.can(topup.method, Ability.REFUND_BY_HAND),
                "uncredited": amount_text(surplus.uncredited(topup), topup.pay_currency),
                "may_settle": self.has_decide_permission(request) and surplus.uncredited(topup) > 0,
                "has_pdf": pdf.is_available(),
                "paid_above": surplus.paid_above(topup) > 0,
                "documents": topup.documents.order_by("pk").defer("html"),
                "refunds": PaymentRefund.objects.filter(payment__topup=topup).select_related("payment"),
                "held": HeldDeposit.objects.filter(topup=topup).first(),
                "may_release": self.has_decide_permission(request) and holding.can_release(topup, now=database_now()),
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

    @admin.display(description=_("fee"))
    def fee_(self, topup: TopUp) -> SafeString:
        return money_html(topup.fee)

    @admin.display(description=_("bonus"))
    def bonus_(self, topup: TopUp) -> SafeString:
        return money_html(topup.bonus)

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
