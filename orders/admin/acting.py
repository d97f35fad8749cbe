"""What staff do to one order from its page, such as a refund or a note. Each says before what it will do."""

from collections.abc import Callable
from decimal import Decimal

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
from orders.admin.money_preview import of_canceling, of_refund
from orders.admin.settling import PAGE, SettlingAdmin
from orders.cancel_by_hand import cancel_by_hand
from orders.cancellations import refusal_to_cancel
from orders.jobs.plans import Totals
from orders.link_change import change_link, may_change_link
from orders.models import RESTORED, Order, ShopState
from orders.note_by_hand import note_by_hand
from orders.refill_by_hand import refill_by_hand
from orders.refills import refusal_to_refill
from orders.refund_by_hand import refund_by_hand, refundable, refusal_to_refund
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
        money, found = money_of(order), refundable(order)
        left = money.charged - money.refunded
        # 1. The link.
        link = order.link and _("It is sent to the new link. Possible until the first attempt to send it.")
        why_no_link = _("It was sent, or may have been sent, or has no link.")
        # 2. A refund.
        refund = _("At most %(left)s. The provider is not asked.") % {"left": money_text(left)}
        no_refund = refusal_to_refund(is_placed=order.forward_state == Forward.PLACED, most=found.most)
        # 3. A cancellation.
        is_unsent = order.forward_state == Forward.QUEUED
        now = _("It is not sent, and %(charge)s is refunded at once.") % {"charge": money_text(order.charge)}
        asked = _("The provider is asked. Money is refunded when the provider confirms it.")
        is_restored = is_unsent and ShopState.objects.filter(RESTORED).exists()
        no_cancel = refusal_to_cancel(order, is_restored=is_restored)
        # 4. A refill and a note.
        no_refill = refusal_to_refill(order, now=database_now())
        refill = _("The provider is asked. No money moves.")
        note = _("Added to the history. The customer does not see it.")
        possible: list[tuple[str, Promise, str | Promise, bool, str | Promise]] = [
            ("link", _("Change the link"), link, may_change_link(order), why_no_link),
            ("refund", _("Refund"), refund, no_refund is None, _why(no_refund)),
            ("cancel", _("Cancel"), now if is_unsent else asked, no_cancel is None, _why(no_cancel)),
            ("refill", _("Refill"), refill, no_refill is None, _why(no_refill)),
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
        preview, shown, verb = None, "", _t("Show what it does")
        if form.is_valid():
            amount = form.cleaned_data["amount"]
            preview, shown, verb = of_refund(order, amount), plain_number(amount), _refund_verb(amount)

        def act() -> str:
            refund_by_hand(
                order_id=pk, amount=form.cleaned_data["amount"], seen=form.cleaned_data["seen"],
                reason=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now(),
            )  # fmt: skip
            return _t("%(amount)s of order %(order)s was refunded.") % {
                "amount": money_text(form.cleaned_data["amount"]), "order": "%(order)s",
            }  # fmt: skip

        # Another amount than the one that the page showed is shown first.
        is_confirmed = preview is not None and request.POST.get("shown") == shown
        return self._act(
            request, order, form, _("Refund"), verb, act, "amount", preview=preview, shown=shown, is_ready=is_confirmed
        )

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel an order for its customer."""
        order = self._order_to_decide(request, pk)
        form = Decision(request.POST or None)
        preview = of_canceling(order, now=database_now())
        verb = _t("Ask the provider to cancel") if preview else _t("Cancel the order")
        if preview and preview.refund:
            verb = _refund_verb(preview.refund)

        def act() -> str:
            asked = cancel_by_hand(
                order=order, reason=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now()
            )
            if asked is None:
                return _t("Order %(order)s was canceled and refunded.")
            return _t("The provider is asked to cancel order %(order)s.")

        return self._act(request, order, form, _("Cancel"), verb, act, None, preview=preview)

    def refill(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a refill for the customer."""
        order = self._order_to_decide(request, pk)
        form = Decision(request.POST or None)

        def act() -> str:
            refill_by_hand(
                order=order, reason=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now()
            )
            return _t("A refill of order %(order)s was requested.")

        return self._act(request, order, form, _("Refill"), _("Ask for a refill"), act, None)

    def note(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a note to the history of an order."""
        order = self._order_to_decide(request, pk)
        form = NoteForm(request.POST or None)

        def act() -> str:
            note_by_hand(order=order, text=form.cleaned_data["reason"], actor=staff_actor(request), now=database_now())
            return _t("The note was added to the history of order %(order)s.")

        return self._act(request, order, form, _("Add a note"), _("Add the note"), act, None)

    def _act(
        self, request: HttpRequest, order: Order, form: Form, title: str | Promise, verb: str | Promise,
        act: Callable[[], str], field: str | None, *, preview: Totals | None = None, shown: str = "",
        is_ready: bool = True,
    ) -> HttpResponse:  # fmt: skip
        """Act once the form is valid and the person has seen what it does; else show the form with what is wrong."""
        if form.is_valid() and is_ready:
            try:
                sentence = act() % {"order": order}
            except Refusal as refusal:
                form.add_error(field, str(refusal.message))
                preview, verb = None, _t("Show what it does") if shown else verb
            else:
                self.note_in_history(request, order, sentence)
                messages.success(request, sentence)
                return redirect(PAGE, order.pk)
        order.refresh_from_db()
        context = {
            **self.admin_site.each_context(request),
            "title": title, "opts": self.opts, "media": self.media, "original": order, "form": form, "verb": verb,
            "preview": preview, "shown": shown,
        }  # fmt: skip
        return TemplateResponse(request, _TEMPLATE, context)


def _why(refusal: Refusal | None) -> str:
    return "" if refusal is None else str(refusal.message)


def _refund_verb(amount: Decimal) -> str:
    """What the button says that refunds ``amount``."""
    return _t("Refund %(amount)s") % {"amount": money_text(amount)}
