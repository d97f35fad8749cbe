from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from catalog.admin.figures import provider_amount_html
from core.clock import database_now
from core.list_columns import Lines
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from core.templatetags.shop import duration_text, state_html
from orders.books import breaks
from orders.books.suspects import REASONS
from orders.models import BreakState, ReconciliationBreak

BADGES = {
    BreakState.OPEN: ("is-failed", "circle-alert"),
    BreakState.EXPLAINED: ("is-partial", "info"),
    BreakState.CLOSED: ("is-completed", "circle-check"),
}
#: What the two buttons send -> the state that the break gets.
DECISIONS = {"explain": BreakState.EXPLAINED, "close": BreakState.CLOSED}


@admin.register(ReconciliationBreak)
class ReconciliationBreakAdmin(ReadOnlyAdmin):
    """Differences between a provider's account and ours, to be explained or closed with a reason. Nothing is edited."""

    change_form_template = "admin/orders/reconciliationbreak/change_form.html"
    list_display = ("__str__", Lines("state_", "age_"), "provider", "amount_", "last_seen", Lines("order", "note"))
    list_filter = ("state", "kind", "provider", "first_seen")
    list_select_related = ("provider", "order")
    search_fields = ("=order__id", "=upstream_id", "note")
    search_help_text = _("Number of the order, ours or the provider's")
    ordering = (F("closed_at").desc(nulls_first=True), "-first_seen")
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("provider", "kind", "amount_", "order", "upstream_id")}),
        (_("State"), {"fields": ("state_", "age_", "first_seen", "last_seen", "closed_at", "note", "actor")}),
        (_("What is known"), {"fields": ("facts_", "suspects_")}),
    )

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReconciliationBreak]:
        age = ExpressionWrapper(Coalesce(F("closed_at"), Now()) - F("first_seen"), output_field=DurationField())
        rows: QuerySet[ReconciliationBreak] = super().get_queryset(request)
        return rows.annotate(age=age)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide)
        return [path("<int:pk>/decide/", view, name="orders_reconciliationbreak_decide"), *super().get_urls()]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Who may explain and close: holders of "change reconciliation break", though no form changes one."""
        return request.user.has_perm("orders.change_reconciliationbreak")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        is_open = row is not None and row.state != BreakState.CLOSED
        about = {"may_decide": is_open and self.has_decide_permission(request), "note_length": 500}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Explain or close one break."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_decide_permission(request):
            raise PermissionDenied
        row = get_object_or_404(ReconciliationBreak, pk=pk)
        state = DECISIONS.get(request.POST.get("decision", ""))
        back = HttpResponseRedirect(reverse("admin:orders_reconciliationbreak_change", args=[pk]))
        if state is None:
            messages.error(request, _t("Nothing was decided."))
            return back
        try:
            with transaction.atomic():
                note = request.POST.get("note", "")
                is_new = breaks.decide(break_id=pk, state=state, note=note, actor=str(request.user), now=database_now())
                if is_new:
                    self.record(
                        request, row, f"reconciliation_break.{request.POST['decision']}", str(state.label), reason=note,
                        before={"state": row.state}, after={"state": state},
                    )  # fmt: skip
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
            return back
        if is_new:
            messages.success(request, _t("Noted: %(state)s.") % {"state": state.label})
        else:
            messages.warning(request, _t("This was already noted."))
        return back

    @admin.display(description=_("amount"), ordering="amount")
    def amount_(self, row: ReconciliationBreak) -> SafeString | str:
        return provider_amount_html(row.amount, row.currency)

    @admin.display(description=_("state"), ordering="state")
    def state_(self, row: ReconciliationBreak) -> SafeString:
        css, icon = BADGES[BreakState(row.state)]
        return state_html(css, icon, row.get_state_display())

    @admin.display(description=_("age"), ordering="-age")
    def age_(self, row: ReconciliationBreak) -> str:
        age: timedelta = row.age  # type: ignore[attr-defined]  # annotated by get_queryset
        return duration_text(age)

    @admin.display(description=_("facts"))
    def facts_(self, row: ReconciliationBreak) -> str:
        return ", ".join(f"{name} {value}" for name, value in row.facts.items()) or "–"

    @admin.display(description=_("suspects"))
    def suspects_(self, row: ReconciliationBreak) -> SafeString | str:
        lines = [
            format_html(
                '<a href="{}">#{}</a> {} ({} / {})',
                reverse("admin:orders_order_change", args=[suspect["order"]]),
                suspect["order"],
                REASONS[suspect["why"]][0],
                suspect["charge"] or "?",
                suspect["expected"],
            )
            for suspect in row.suspects
            if suspect.get("why") in REASONS
        ]
        return SafeString("<br>").join(lines) if lines else "–"
