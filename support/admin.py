from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.customer_filter import CustomerFilter
from billing.queries import balance_of
from core.clock import database_now
from core.numbers import read_whole
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.shop_admin import ShopModelAdmin
from core.staff_actions import staff_actor
from orders.pages.sentences import sentence
from orders.pages.situations import situation_of
from support.canned import filled
from support.forms import AnswerForm
from support.models import LONGEST_MESSAGE, CannedAnswer, Ticket
from support.tickets import add_note, answer, close_ticket

#: The button that puts a canned answer into the field; it changes nothing.
FILL_IN = "fill_in"
#: Waiting tickets that the page of one lists.
QUEUE = 30


class TicketStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waits", _("Waiting for us")), ("1", _("Open")), ("0", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        if self.value() == "waits":
            return queryset.filter(waits_since__isnull=False)
        return queryset.filter(closed_at__isnull=self.value() == "1") if self.value() in ("0", "1") else queryset


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Tickets, those that wait for an answer first, the longest wait on top. One is answered on its own page."""

    list_display = ("subject", "customer", "order", "priority", "waits_since", "closed_at")
    list_filter = (TicketStateFilter, CustomerFilter, "priority")
    list_select_related = ("customer", "order")
    search_fields = ("=id", "=order__id", "subject", "message", "customer__email")
    # Nobody waits in a ticket without a time, and Postgres puts NULL last.
    ordering = (F("waits_since").asc(nulls_last=True), "-id")
    actions = ("close",)
    list_per_page = 50

    def get_urls(self) -> list[URLPattern]:
        first = path("next/", self.admin_site.admin_view(self.next), name="support_ticket_next")
        return [first, *super().get_urls()]

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("support.change_ticket")

    @admin.action(description=_("Close the selected tickets"), permissions=["close"])
    def close(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        now, actor = database_now(), str(request.user)
        with transaction.atomic():
            closing = [
                ticket for ticket in queryset.order_by("pk") if close_ticket(ticket_id=ticket.pk, actor=actor, now=now)
            ]
            self.record_each(request, closing, "ticket.close", _t("Closed"))
        closed = len(closing)
        words = ngettext("%(closed)d ticket closed.", "%(closed)d tickets closed.", closed)
        messages.success(request, words % {"closed": closed})

    def next(self, request: HttpRequest) -> HttpResponse:
        """Lead to the ticket that waits longest; to the list if none waits."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        first = self.waiting().first()
        return (
            redirect("admin:support_ticket_change", first.pk) if first else redirect("admin:support_ticket_changelist")
        )

    def waiting(self) -> QuerySet[Ticket]:
        return Ticket.objects.filter(waits_since__isnull=False).select_related("customer").order_by("waits_since", "id")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one ticket with its order and customer; answer it, close it, or keep a note for other staff."""
        ticket = self.get_object(request, object_id)
        if ticket is None:
            raise Http404("no such ticket")
        if not self.has_view_permission(request, ticket):
            raise PermissionDenied
        if request.method == "POST" and not self.has_close_permission(request):
            raise PermissionDenied
        is_filling_in = request.POST.get("verb") == FILL_IN
        form = AnswerForm(None if is_filling_in else request.POST or None)
        if form.is_bound and form.is_valid() and (done := self._carry_out(request, ticket, form)):
            messages.success(request, done)
            return redirect("admin:support_ticket_change", ticket.pk)
        return TemplateResponse(request, "admin/support/ticket.html", self._context(request, ticket, form))

    def _carry_out(self, request: HttpRequest, ticket: Ticket, form: AnswerForm) -> str:
        """Do what the pressed button says; return the sentence about it, "" if it was refused."""
        text, verb = form.cleaned_data["text"], form.cleaned_data["verb"]
        actor, now = staff_actor(request), database_now()
        try:
            if verb == "note":
                add_note(ticket_id=ticket.pk, text=text, actor=actor, now=now)
                return _t("The note is kept. The customer does not see it.")
            answer(ticket_id=ticket.pk, text=text, actor=actor, close=verb == "answer_and_close", now=now)
        except Refusal as refusal:
            form.add_error("text", str(refusal.message))
            return ""
        return _t("The answer was sent.") if verb == "answer" else _t("The answer was sent, and the ticket is closed.")

    def _context(self, request: HttpRequest, ticket: Ticket, form: AnswerForm) -> dict[str, Any]:
        """What the page shows. Parts about orders and money are for those who may see them."""
        order = ticket.order if request.user.has_perm("orders.view_order") else None
        answers = list(CannedAnswer.objects.all())
        chosen = None if form.is_bound else read_whole(request.POST.get("canned", "")[:19])
        canned = next((each for each in answers if each.pk == chosen), None)
        # A canned answer comes after what was written already.
        begun = request.POST.get("text", "")
        typed = "\n\n".join(part for part in (begun.rstrip(), filled(canned, order)) if part) if canned else begun
        others = Ticket.objects.filter(customer=ticket.customer).exclude(pk=ticket.pk).order_by("-id")
        return {
            **self.admin_site.each_context(request),
            "title": ticket.subject, "ticket": ticket, "form": form, "typed": typed, "longest": LONGEST_MESSAGE,
            "queue": self.waiting()[:QUEUE], "waiting": self.waiting().count(), "thread": ticket.messages.all(),
            "order": order, "sentence": sentence(order, situation_of(order, now=database_now())) if order else "",
            "canned_answers": answers, "canned": canned, "may_answer": self.has_close_permission(request),
            "balance": balance_of(ticket.customer) if request.user.has_perm("billing.view_wallet") else None,
            "others": others[:5], "now": database_now(),
        }  # fmt: skip


@admin.register(CannedAnswer)
class CannedAnswerAdmin(ShopModelAdmin):
    """Texts that staff begin an answer with."""

    list_display = ("title",)
    search_fields = ("title", "text")
