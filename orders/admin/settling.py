"""The decision about an order that no answer of its provider will settle: two forms next to its history."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.clock import database_now
from core.numbers import plain_number
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.staff_actions import staff_actor
from core.staff_rights import SEES_MONEY
from core.templatetags.money import money_text
from orders import settling_by_hand
from orders.admin.doubt_forms import DismissForm, SettleForm
from orders.admin.history import history_of
from orders.admin.money_preview import of_settling
from orders.jobs.plans import Totals
from orders.models import Order
from orders.settling_by_hand import OutOfRange

PAGE = "admin:orders_order_change"


class SettlingAdmin(ReadOnlyAdmin):
    """What a page of orders needs in order to settle one by hand."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/settle/", wrap(self.settle), name="orders_order_settle"),
            path("<int:pk>/nothing-to-do/", wrap(self.nothing_to_do), name="orders_order_nothing_to_do"),
        ]
        return [*own, *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Who decides about orders in doubt decides about these as well: it is the same money."""
        return request.user.has_perm("orders.change_doubtfulorder")

    def deciding(self, request: HttpRequest, order: Order) -> dict[str, object]:
        """What the forms need; empty if there is nothing to decide, or this person may not decide."""
        choice = settling_by_hand.choice_of(order)
        if not choice or not self.has_decide_permission(request):
            return {}
        return {"choice": choice, "settle": SettleForm(total=order.total), "dismiss": DismissForm()}

    def settle(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Settle an order by the number of units that did not arrive; what that refunds is shown first."""
        order = self._order_to_decide(request, pk)
        form = SettleForm(request.POST or None, total=order.total)
        if (preview := _unseen(order, form, request.POST.get("shown"))) is not None:
            return self._render(request, order, {"settle": form}, preview)

        def confirmation() -> str:
            return _t("Order %(order)s is settled: of %(charge)s, %(refund)s was refunded to the customer.") % {
                "order": order,
                "charge": money_text(order.charge),
                "refund": money_text(order.refunded),
            }

        return self._decide(
            request, order, {"settle": form}, form, confirmation,
            lambda: settling_by_hand.settle_by_hand(
                order_id=pk, missing=form.cleaned_data["missing"], seen=form.cleaned_data["seen"],
                reason=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now(),
            ),
        )  # fmt: skip

    def nothing_to_do(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Record that the order was looked at and stays as it is."""
        order = self._order_to_decide(request, pk)
        form = DismissForm(request.POST or None)
        return self._decide(
            request, order, {"dismiss": form}, form,
            lambda: _t("Order %(order)s was looked at. No money moved.") % {"order": order},
            lambda: settling_by_hand.nothing_to_do(
                order_id=pk, seen=form.cleaned_data["seen"], reason=form.cleaned_data["reason"],
                actor=staff_actor(request), now=database_now(),
            ),
        )  # fmt: skip

    def _order_to_decide(self, request: HttpRequest, pk: int) -> Order:
        if not (self.has_view_permission(request) and self.has_decide_permission(request)):
            raise PermissionDenied
        return get_object_or_404(Order, pk=pk)

    def _decide(
        self,
        request: HttpRequest,
        order: Order,
        filled: dict[str, Form],
        form: Form,
        confirmation: Callable[[], str],
        decide: Callable[[], bool],
    ) -> HttpResponse:
        """Take one decision from a valid form, and show the order with ``confirmation``; else show the form again."""
        if not form.is_valid():
            return self._render(request, order, filled)
        try:
            is_new = decide()
        except Refusal as refusal:
            # What is wrong with the number is shown at its field.
            form.add_error("missing" if isinstance(refusal, OutOfRange) else None, str(refusal.message))
            order.refresh_from_db()
            return self._render(request, order, filled)
        if is_new:
            order.refresh_from_db()
            sentence = confirmation()
            self.note_in_history(request, order, sentence)
            messages.success(request, sentence)
        else:
            messages.warning(request, _t("This was already decided; nothing changed."))
        return redirect(PAGE, order.pk)

    def _render(
        self, request: HttpRequest, order: Order, filled: dict[str, Form], preview: Totals | None = None
    ) -> HttpResponse:
        """The forms next to the order as it is now: a refused decision is taken again, on what is shown here."""
        deciding = self.deciding(request, order)
        problems = [str(problem) for form in filled.values() for problem in form.non_field_errors()]
        if not deciding:
            for problem in problems or [_t("There is nothing to decide about this order.")]:
                messages.error(request, problem)
            return redirect(PAGE, order.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Settle by hand"),
            "opts": self.opts,
            "media": self.media,
            "original": order,
            "history": history_of(order, sees_money=request.user.has_perm(SEES_MONEY)),
            "problems": problems,
            "preview": preview,
            "shown": plain_number(preview.refund) if preview else "",
            **deciding,
            **filled,
        }
        return TemplateResponse(request, "admin/orders/order/settle.html", context)


def _unseen(order: Order, form: SettleForm, shown: str | None) -> Totals | None:
    """Return the money of settling as the form says, unless the page has shown that sum; None also for a refusal.

    The operation itself refuses a number out of range and a page that an answer has overtaken.
    """
    if not form.is_valid() or form.cleaned_data["seen"] != settling_by_hand.choice_of(order).seen:
        return None
    missing = form.cleaned_data["missing"]
    if not order.needs_review or not 0 <= missing <= order.total:
        return None
    refund = settling_by_hand.refund_of(order, missing)
    moves_nothing = order.is_final and not refund
    return None if moves_nothing or shown == plain_number(refund) else of_settling(order, refund)
