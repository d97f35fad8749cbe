from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.templatetags.shop import state_html
from orders.models import Refill
from orders.states import RefillState

BADGES = {
    RefillState.COMPLETED: "is-completed",
    RefillState.REJECTED: "is-canceled",
    RefillState.IN_DOUBT: "is-confirming",
}


@admin.register(Refill)
class RefillAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__", "state_", "order", Lines("provider", "upstream_id"), "raw_state", Lines("created_at", "finished_at"),
    )  # fmt: skip
    list_filter = ("state", "provider", "created_at")
    list_select_related = ("order", "provider")
    search_fields = ("=order__id", "=upstream_id")
    search_help_text = _("Number of the order, or of the refill at the provider")
    fields = (
        "order", "state_", "provider", "upstream_id", "raw_state", "created_at", "finished_at", "refusal", "tries",
        "next_at", "next_poll_at", "asked_at",
    )  # fmt: skip
    list_per_page = 50

    @admin.display(description=_("state"), ordering="state")
    def state_(self, refill: Refill) -> SafeString:
        css = BADGES.get(RefillState(refill.state), "is-progress")
        return state_html(css, "rotate-cw", refill.get_state_display())
