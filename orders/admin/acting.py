"""What staff do to one order from its page, such as a refund or a note. Each says before what it will do."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.clock import database_now
from core.numbers import plain_number
from core.refusals import Refusal
from core.staff_actions import staff_actor
from core.templatetags.money import money_text
from orders.admin.act_forms import LinkForm, NoteForm, RefundForm
from orders.admin.doubt_forms import Decision
from orders.admin.settling import PAGE, SettlingAdmin
from orders.books.margins import cost_of
from orders.cancel_by_hand import cancel_by_hand
from orders.link_change import change_link, may_change_link
from orders.models import Order
from orders.note_by_hand import note_by_hand
from orders.refill_by_hand import refill_by_hand
from orders.refills import refusal_to_refill
from orders.refund_by_hand import refund_by_hand, refundable
from orders.settlement import money_of
from orders.states import Forward

_TEMPLATE = "admin/orders/order/act.html"


class ActingAdmin(SettlingAdmin):
    """The pages of an order's actions, for whom :meth:`has_decide_permission` lets decide about orders in doubt."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/link/", wrap(self.link), name="orders_order_link"),
            path("<int:pk>/refund/", wrap(self.refund), name="orders_order_refund"),
            path("<int:pk>/cancel/", wrap(self.cancel), name="orders_order_cancel"),
            path("<int:pk>/refill/", wrap(self.refill), name="orders_order_refill"),
            path("<int:pk>/note/", wrap(self.note), name="orders_order_note"),
        ]
        return [*own, *super().get_urls()]

    def actions_of(self, request: HttpRequest, order: Order) -> list[tuple[str, str | Promise, str | Promise]]:
        """Address, verb and effect of each action; for one that is not possible now no address, and why."""
        if not self.has_decide_permission(request):
            return []
        money, is_unsent = money_of(order), order.forward_state == Forward.QUEUED
        left = money.charged - money.refunded
        # 1. The link.
        link = order.link and _("It is sent to the new link. Possible until the first attempt to send it.")
        why_no_link = _("It was sent, or may have been sent, or has no link.")
        # 2. A refund.
        refund = _("At most %(left)s. The provider is not asked.") % {"left": money_text(left)}
        why_no_refund = _("The provider does not have it, or all of it was refunded.")
        # 3. A cancellation.
        now = _("It is not sent, and %(charge)s is refunded at once.") % {"charge": money_text(order.charge)}
        asked = _("The provider is asked. Money is refunded when the provider confirms it.")
        why_no_cancel = _("It is over, on its way, or its service cannot be canceled.")
        # 4. A refill and a note.
        no_refill = refusal_to_refill(order, now=database_now())
        refill = _("The provider is asked. No money moves.")
        why_no_refill = "" if no_refill is None else str(no_refill.message)
        note = _("Added to the history. The customer does not see it.")
        possible: list[tuple[str, Promise, str | Promise, bool, str | Promise]] = [
            ("link", _("Change the link"), link, may_change_link(order), why_no_link),
            ("refund", _("Refund"), refund, refundable(order).most > 0, why_no_refund),
            ("cancel", _("Cancel"), now if is_unsent else asked, order.can_be_canceled, why_no_cancel),
            ("refill", _("Refill"), refill, no_refill is None, why_no_refill),
            ("note", _("Add a note"), note, True, ""),
        ]
        return [
            (reverse(f"admin:orders_order_{name}", args=[order.pk]) if can else "", verb, effect if can else why)
            for name, verb, effect, can, why in possible
        ]

    def link(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send an order that was never sent to another link."""
        order = self._order_to_decide(request, pk)
        form = LinkForm(request.POST or None, initial={"link": order.link})

        def act() -> str:
            is_new = change_link(
                order_id=pk, link=form.cleaned_data["link"], reason=form.cleaned_data["reason"],
                actor=staff_actor(request), now=database_now(),
            )  # fmt: skip
            return _t("Order %(order)s has the new link.") if is_new else _t("Order %(order)s has this link already.")

        return self._act(request, order, form, _("Change the link"), _("Change"), act, "link")

    def refund(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Refund a part or all of what is left of an order; the money before and after is shown first."""
        order = self._order_to_decide(request, pk)
        most = refundable(order)
        form = RefundForm(request.POST or None, most=most.most, initial={"seen": most.seen, "amount": most.most})
        preview: dict[str, Any] = {}
        if form.is_valid():
            amount, money = form.cleaned_data["amount"], money_of(order)
            cost = cost_of(order).amount
            preview = {
                "amount": amount, "shown": plain_number(amount), "cost": cost,
                "before": money.refunded, "after": money.refunded + amount,
                "paid_before": money.charged - money.refunded, "paid_after": money.charged - money.refunded - amount,
                "profit_before": money.charged - money.refunded - cost,
                "profit_after": money.charged - money.refunded - amount - cost,
            }  # fmt: skip

        def act() -> str:
            refund_by_hand(
                order_id=pk, amount=form.cleaned_data["amount"], seen=form.cleaned_data["seen"],
                reason=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now(),
            )  # fmt: skip
            return _t("%(amount)s of order %(order)s was refunded.") % {
                "amount": money_text(form.cleaned_data["amount"]), "order": "%(order)s",
            }  # fmt: skip

        # Another amount than the one that the page showed is shown first.
        is_confirmed = bool(preview) and request.POST.get("shown") == preview["shown"]
        return self._act(
            request, order, form, _("Refund"), _("Refund") if preview else _("Show what it does"), act, "amount",
            preview=preview, is_ready=is_confirmed,
        )  # fmt: skip

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel an order for its customer."""
        order = self._order_to_decide(request, pk)
        form = Decision(request.POST or None)

        def act() -> str:
            asked = cancel_by_hand(
                order=order, reason=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now()
            )
            if asked is None:
                return _t("Order %(order)s was canceled and refunded.")
            return _t("The provider is asked to cancel order %(order)s.")

        return self._act(request, order, form, _("Cancel"), _("Cancel the order"), act, None)

    def refill(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a refill for the customer."""
        order = self._order_to_decide(request, pk)
        form = Decision(request.POST or None)

        def act() -> str:
            refill_by_hand(
                order=order, reason=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now()
            )
            return _t("A refill of order %(order)s is asked for.")

        return self._act(request, order, form, _("Refill"), _("Ask for a refill"), act, None)

    def note(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a note to the history of an order."""
        order = self._order_to_decide(request, pk)
        form = NoteForm(request.POST or None)

        def act() -> str:
            note_by_hand(order=order, text=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now())
            return _t("The note stands in the history of order %(order)s.")

        return self._act(request, order, form, _("Add a note"), _("Add the note"), act, None)

    def _act(
        self, request: HttpRequest, order: Order, form: Form, title: str | Promise, verb: str | Promise,
        act: Callable[[], str], field: str | None, *, preview: dict[str, Any] | None = None, is_ready: bool = True,
    ) -> HttpResponse:  # fmt: skip
        """Act once the form is valid and the person has seen what it does; else show the form with what is wrong."""
        if form.is_valid() and is_ready:
            try:
                sentence = act() % {"order": order}
            except Refusal as refusal:
                form.add_error(field, str(refusal.message))
                preview = {}
            else:
                self.note_in_history(request, order, sentence)
                messages.success(request, sentence)
                return redirect(PAGE, order.pk)
        order.refresh_from_db()
        context = {
            **self.admin_site.each_context(request),
            "title": title, "opts": self.opts, "media": self.media, "original": order, "form": form, "verb": verb,
            "preview": preview, "actions": self.actions_of(request, order),
        }  # fmt: skip
        return TemplateResponse(request, _TEMPLATE, context)
