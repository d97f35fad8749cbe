from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.clock import database_now
from core.read_only_admin import ReadOnlyAdmin
from support.models import Ticket
from support.tickets import close_ticket


class OpenTicketFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Open")), ("0", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        return queryset.filter(closed_at__isnull=self.value() == "1") if self.value() in ("0", "1") else queryset


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """Tickets, open ones first. The owner answers by mail and closes them here."""

    list_display = ("subject", "customer", "priority", "created_at", "closed_at", "closed_by")
    list_filter = (OpenTicketFilter, "priority")
    list_select_related = ("customer",)
    search_fields = ("=id", "subject", "message", "customer__email")
    # Open tickets have no closing time; Postgres puts NULL first in descending order.
    ordering = (F("closed_at").desc(nulls_first=True), "-id")
    fields = ("id", "customer", "subject", "message", "priority", "created_at", "closed_at", "closed_by")
    actions = ("close",)
    list_per_page = 50

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
