from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.staff_rights import SEES_MONEY
from orders.models import Cancellation, ChildOrder


@admin.register(Cancellation)
class CancellationAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__", "state", "order", Lines("provider", "answer"), "tries", Lines("created_at", "finished_at"),
    )  # fmt: skip
    list_filter = ("state", "provider", "created_at")
    list_select_related = ("order", "provider")
    search_fields = ("=order__id", "=order__upstream_id")
    search_help_text = _("Number of the order, here or at the provider")
    fields = (
        "state", "order", "provider", "answer", "tries", "created_at", "finished_at", "actor", "next_at", "asked_at",
    )  # fmt: skip
    list_per_page = 50


@admin.register(ChildOrder)
class ChildOrderAdmin(ReadOnlyAdmin):
    """Runs of drip-feeds and posts of subscriptions."""

    list_display = (
        "__str__",
        Lines("progress", "needs_review"),
        "parent",
        "provider",
        Lines("quantity", "remains"),
        "charge",
    )
    needs_right = {"charge": [SEES_MONEY]}  # noqa: RUF012
    list_filter = ("progress", ("needs_review", admin.EmptyFieldListFilter), "provider", "created_at")
    list_select_related = ("parent", "provider")
    search_fields = ("=parent__id", "=upstream_id")
    search_help_text = _("Number of the order, or of the child order at the provider")
    fields = (
        "parent", "provider", "progress", "quantity", "remains", "charge", "needs_review", "upstream_id", "raw_state",
        "state_since", "start_count", "created_at", "finished_at", "next_poll_at", "answered_at", "poll_misses",
    )  # fmt: skip
    list_per_page = 50
