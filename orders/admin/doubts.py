"""The queue of orders in doubt, and the page on which the owner decides about one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.clock import database_now
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.staff_actions import staff_actor
from core.staff_rights import SEES_MONEY
from core.templatetags.money import money_html
from core.templatetags.shop import duration_text, state_html
from orders import decisions
from orders.admin.doubt_forms import NotPlacedForm, PlacedForm
from orders.admin.doubt_page import page_of
from orders.admin.filters import IN_DOUBT
from orders.admin.money_preview import of_not_placed
from orders.doubt.words import why
from orders.models import DoubtfulOrder, ForwardAttempt, Order
from orders.states import Forward, Outcome

PAGE = "admin:orders_doubtfulorder_change"


@admin.register(DoubtfulOrder)
class DoubtfulOrderAdmin(ReadOnlyAdmin):
    list_display = ("number", Lines("state_", "sent_"), "provider", "at_stake", "charge_", "reason")
    list_filter = ("forward_state", "provider")
    needs_right = {"at_stake": [SEES_MONEY]}  # noqa: RUF012
    list_select_related = ("provider",)
    ordering = ("sent_at", "id")
    list_per_page = 50

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[DoubtfulOrder]:
        """Orders in doubt, and refunded ones whose doubt is still open: the money may still be lost."""
        # Two look-ups by their indexes: joined by OR, Postgres would walk through all orders.
        doubts = ForwardAttempt.objects.filter(outcome=Outcome.IN_DOUBT)
        refunded = doubts.filter(order__forward_state=Forward.REFUNDED).values("order_id")
        wanted = Order.objects.order_by().filter(IN_DOUBT).values("pk").union(refunded)
        orders: QuerySet[DoubtfulOrder] = super().get_queryset(request)
        return orders.filter(pk__in=wanted)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/placed/", wrap(self.placed), name="orders_doubtfulorder_placed"),
            path("<int:pk>/not-placed/", wrap(self.not_placed), name="orders_doubtfulorder_not_placed"),
        ]
        return [*own, *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.change_doubtfulorder")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        order = get_object_or_404(DoubtfulOrder, pk=object_id if object_id.isdecimal() else None)
        return self._render(request, order)

    def placed(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record that it was placed, as this number."""
        order, form = self._order_to_decide(request, pk), PlacedForm(request.POST or None)
        if not form.is_valid():
            return self._render(request, order, placed=form)
        given = form.cleaned_data
        try:
            is_new = decisions.decide_placed(
                order_id=pk, upstream_id=given["upstream_id"], reason=given["reason"], actor=staff_actor(request),
                now=database_now(), attempt_id=given["attempt"],
            )  # fmt: skip
        except Refusal as refusal:
            form.add_error(None, str(refusal.message))
            return self._render(request, order, placed=form)
        return self._done(request, order, is_new, _t("Order %(order)s is placed.") % {"order": order})

    def not_placed(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record that it was not placed, and send it again or refund it."""
        order, form = self._order_to_decide(request, pk), NotPlacedForm(request.POST or None)
        if not form.is_valid():
            return self._render(request, order, not_placed=form)
        given = form.cleaned_data
        try:
            is_new = decisions.decide_not_placed(
                order_id=pk, refund=given["then"] == "refund", reason=given["reason"], actor=staff_actor(request),
                now=database_now(), attempt_id=given["attempt"],
            )  # fmt: skip
        except Refusal as refusal:
            form.add_error(None, str(refusal.message))
            return self._render(request, order, not_placed=form)
        return self._done(request, order, is_new, _t("Order %(order)s was not placed.") % {"order": order})

    def _order_to_decide(self, request: HttpRequest, pk: int) -> DoubtfulOrder:
        if not self.has_decide_permission(request):
            raise PermissionDenied
        return get_object_or_404(DoubtfulOrder.objects.select_related("provider"), pk=pk)

    def _done(self, request: HttpRequest, order: DoubtfulOrder, is_new: bool, sentence: str) -> HttpResponse:
        if is_new:
            self.note_in_history(request, order, sentence)
            messages.success(request, sentence)
        else:
            messages.warning(request, _t("This was already decided; nothing changed."))
        return redirect(PAGE, order.pk)

    def _render(
        self, request: HttpRequest, order: DoubtfulOrder, *, placed: Form | None = None, not_placed: Form | None = None
    ) -> HttpResponse:
        """The page, with the form that was refused, if one was."""
        sees_money = request.user.has_perm(SEES_MONEY)
        forms: dict[str, Form] = {then: NotPlacedForm(auto_id=f"{then}_%s") for then in ("refund", "queue")}
        problems = [str(problem) for form in (placed, not_placed) if form for problem in form.non_field_errors()]
        if not_placed is not None and (then := not_placed.data.get("then")) in forms:
            not_placed.auto_id = f"{then}_%s"
            forms[then] = not_placed
        elif not_placed is not None:
            problems.append(_t("Choose whether the customer is refunded or the order is sent again."))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Order in doubt"),
            "opts": self.opts,
            "media": self.media,
            "order": order,
            "page": page_of(order, now=database_now(), sees_money=sees_money),
            "preview": of_not_placed(order),
            "placed": placed or PlacedForm(),
            "refund": forms["refund"],
            "resend": forms["queue"] if order.is_in_doubt else None,
            "problems": problems,
            "sees_money": sees_money,
            "may_decide": self.has_decide_permission(request),
        }
        return TemplateResponse(request, "admin/orders/doubtfulorder/decide.html", context)

    @admin.display(description=_("number"), ordering="id")
    def number(self, order: DoubtfulOrder) -> str:
        return str(order)

    @admin.display(description=_("state"))
    def state_(self, order: DoubtfulOrder) -> str:
        return state_html("is-confirming", "hourglass", order.get_forward_state_display())

    @admin.display(description=_("sent ago"), ordering="sent_at")
    def sent_(self, order: DoubtfulOrder) -> str:
        return duration_text(database_now() - (order.sent_at or order.created_at))

    @admin.display(description=_("cost at stake"), ordering="expected_cost")
    def at_stake(self, order: DoubtfulOrder) -> str:
        return money_html(order.expected_cost)

    @admin.display(description=_("charge"), ordering="charge")
    def charge_(self, order: DoubtfulOrder) -> str:
        return money_html(order.charge)

    @admin.display(description=_("reason"))
    def reason(self, order: DoubtfulOrder) -> str:
        attempt = order.attempts.filter(outcome=Outcome.IN_DOUBT).first()
        review = attempt.evidence.get("review", {}) if attempt else {}
        return str(why(str(review.get("because", ""))))
