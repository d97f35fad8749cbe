"""What staff do to many orders: chosen in the list, shown with its money, and then done by a job."""

import copy
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import ActionLocation, IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext

from accounts.staff_limits import limits_of, used_today
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import staff_actor
from core.templatetags.money import money_text
from orders.admin.acting import ActingAdmin
from orders.admin.bulk_forms import BulkForm
from orders.books.margins import ZERO
from orders.jobs.by_staff import OF_STAFF, PART, REFUND, WHOLE, StaffKind, start_by_staff
from orders.jobs.plans import Plan, plans_of, totals_of
from orders.models import Order
from orders.pages.forms import MAX_NONCE
from orders.pages.search import number_in
from orders.pages.views import new_nonce

#: Orders of one job from the list, and those of each reason that are listed by number.
MOST_AT_ONCE, _MOST_LISTED = 5_000, 50
_PAIR = re.compile(r"(?P<number>[0-9]{1,18}):(?P<seen>[0-9a-f]{0,64})", re.ASCII)
_LIST = "admin:orders_order_changelist"


class BulkAdmin(ActingAdmin):
    """The actions of the list of orders, for whom :meth:`has_decide_permission` lets act on a single one."""

    def get_urls(self) -> list[URLPattern]:
        own = [path("bulk/", self.admin_site.admin_view(self.bulk), name="orders_order_bulk")]
        return [*own, *super().get_urls()]

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """The kinds of jobs of staff, as Django's list offers actions. A single order has its own pages."""
        if action_location != ActionLocation.CHANGE_LIST or not self.has_decide_permission(request):
            return {}
        return {name: (_to_preview, name, f"{kind.verb}…") for name, kind in OF_STAFF.items()}

    def bulk(self, request: HttpRequest) -> HttpResponse:
        """Show what would be done to the chosen orders; once that was seen and has a reason, start the job."""
        if not (self.has_view_permission(request) and self.has_decide_permission(request)):
            raise PermissionDenied
        kind = OF_STAFF.get(request.POST.get("do") or request.GET.get("do", ""))
        if kind is None:
            messages.warning(request, _t("Choose orders in the list, and what to do with them."))
            return redirect(_LIST)
        if request.method == "POST":
            return self._start(request, kind)
        try:
            numbers = self._chosen(request)
        except IncorrectLookupParameters:
            messages.warning(request, _t("This filter cannot be read. Choose orders in the list."))
            return redirect(_LIST)
        return self._show(request, kind, numbers, new_nonce())

    def _chosen(self, request: HttpRequest) -> list[int]:
        """The orders whose boxes were checked, or all that the list showed with its filters, the newest first."""
        if not request.GET.get("all"):
            texts = request.GET.getlist("order")[: MOST_AT_ONCE + 1]
            return [number for text in texts if (number := number_in(text)) is not None]
        as_list = copy.copy(request)
        as_list.GET = QueryDict(request.GET.get("list", "")[:4000])
        found = self.get_changelist_instance(as_list).get_queryset(as_list)
        return list(found.order_by("-id").values_list("id", flat=True)[: MOST_AT_ONCE + 1])

    def _start(self, request: HttpRequest, kind: StaffKind) -> HttpResponse:
        """Start the job of the orders that the page listed, or show the page again with what is wrong."""
        nonce, seen = request.POST.get("nonce", ""), _seen(request.POST.get("orders", ""))
        if not nonce or len(nonce) > MAX_NONCE:
            raise BadRequest("the nonce is not one of any form of ours")
        form = BulkForm(request.POST, kind=kind, orders=len(seen))
        is_valid, percent = form.is_valid(), _percent(form)
        is_shown = percent is None or f"{percent:f}" == request.POST.get("shown")
        if is_valid and is_shown:
            try:
                job = start_by_staff(
                    person=request.user, actor=staff_actor(request), kind=kind, seen=seen, percent=percent,  # type: ignore[arg-type]
                    reason=form.cleaned_data["reason"], nonce=nonce, now=database_now(),
                )  # fmt: skip
            except Refusal as refusal:
                messages.error(request, str(refusal.message))
            else:
                return redirect("admin:orders_job_change", job.pk)
        return self._show(request, kind, list(seen), nonce, percent=percent, is_shown=is_shown)

    def _show(
        self, request: HttpRequest, kind: StaffKind, numbers: list[int], nonce: str, *, percent: Decimal | None = None,
        is_shown: bool = True,
    ) -> HttpResponse:  # fmt: skip
        """Show what can be done now, and what was typed, if anything was."""
        is_known = kind is not PART or percent is not None
        plans = plans_of(numbers[:MOST_AT_ONCE], kind.plan, percent=percent or WHOLE, now=database_now())
        possible = [plan for plan in plans if not plan.why_not]
        form = BulkForm(request.POST or None, kind=kind, orders=len(possible))
        if percent is not None and not is_shown:
            # Another part was entered: its money is shown first, and nothing else is wrong yet.
            form = BulkForm(initial=request.POST.dict(), kind=kind, orders=len(possible))
        context = {
            **self.admin_site.each_context(request),
            "title": kind.ask(len(possible)) if possible else _t("Nothing can be done"),
            "kind": kind,
            "order_page": "admin:orders_order_change",
            "form": form,
            "nonce": nonce,
            "totals": totals_of(plans) if is_known else None,
            "shown": f"{percent:f}" if percent is not None else "",
            "possible": possible[:_MOST_LISTED],
            "unlisted": max(0, len(possible) - _MOST_LISTED),
            "orders": ",".join(f"{plan.order.pk}:{plan.seen}" for plan in possible),
            "reasons": _grouped(plans),
            "warnings": _over_limits(request, kind, possible) if is_known else [],
            "is_cut": len(numbers) > MOST_AT_ONCE,
            "most": MOST_AT_ONCE,
        }
        return TemplateResponse(request, "admin/orders/order/bulk.html", context)


def _to_preview(page: BulkAdmin, request: HttpRequest, _chosen: QuerySet[Order]) -> HttpResponse:
    """Lead from the list to the page that shows what would be done: it may ask first who is there."""
    query: list[tuple[str, str]] = [("do", request.POST.get("action", ""))]
    if request.POST.get("select_across") == "1":
        query += [("all", "1"), ("list", request.GET.urlencode())]
    else:
        query += [("order", number) for number in request.POST.getlist("_selected_action")]
    return redirect(f"{reverse('admin:orders_order_bulk')}?{urlencode(query)}")


def _seen(text: str) -> Mapping[int, str]:
    """Read the orders of the form with what was seen of each; what is no such pair is left out."""
    pairs = (_PAIR.fullmatch(pair) for pair in text.split(",")[:MOST_AT_ONCE])
    return {int(pair["number"]): pair["seen"] for pair in pairs if pair}


def _percent(form: BulkForm) -> Decimal | None:
    """The part to refund, if one was entered that can be read."""
    given = form.cleaned_data.get("percent")
    return given.normalize() if isinstance(given, Decimal) else None


def _over_limits(request: HttpRequest, kind: StaffKind, possible: list[Plan]) -> list[str]:
    """What the limits of who asks will refuse of a refund, as things stand; the limits themselves count later."""
    person = request.user.pk or 0
    limits = limits_of(person) if kind in (REFUND, PART) else None
    if limits is None:
        return []
    found, refunds = [], [plan.refund for plan in possible]
    action, day = limits.per_action, limits.per_day
    if action is not None and (count := sum(refund > action.most for refund in refunds)):
        text = ngettext(
            "%(count)s order is above your limit of %(most)s for one action. It will be left alone.",
            "%(count)s orders are above your limit of %(most)s for one action. They will be left alone.", count,
        )  # fmt: skip
        found.append(text % {"count": f"{count:,}", "most": money_text(action.most)})
    if day is not None and sum(refunds) > (left := max(ZERO, day.most - used_today(person))):
        text = _t("You may move %(left)s more today, and this is %(sum)s. Orders beyond it will be left alone.")
        found.append(text % {"left": money_text(left), "sum": money_text(sum(refunds, ZERO))})
    return found


def _grouped(plans: list[Plan]) -> list[tuple[str, int, list[Order]]]:
    """Each reason why orders are left out, the most frequent first, with their number and the first of them."""
    counts = Counter(plan.why_not for plan in plans if plan.why_not)
    return [
        (why, count, [plan.order for plan in plans if plan.why_not == why][:_MOST_LISTED])
        for why, count in counts.most_common()
    ]
