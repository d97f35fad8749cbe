from typing import Any

from django.contrib import admin
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.customer_filter import CustomerFilter
from core.clock import database_now
from core.list_columns import Lines
from core.staff_rights import SEES_MONEY
from core.templatetags.money import money_html
from core.templatetags.shop import duration_text, num, state_html
from orders.admin.bulk import BulkAdmin
from orders.admin.filters import AttentionFilter, StateFilter, WayFilter, search_condition
from orders.admin.history import history_of
from orders.admin.standing import counts_of, face_of_staff, notes_of, standing_of
from orders.admin.tabs import tabs_of
from orders.books.margins import cost_of, margin_of
from orders.models import Order


@admin.register(Order)
class OrderAdmin(BulkAdmin):
    list_display = (
        Lines("number", "created_at"), "state_", Lines("service_", "link_"), Lines("customer", "at_provider"),
        Lines("charge_", "margin"),
    )  # fmt: skip
    list_filter = (
        AttentionFilter, StateFilter, CustomerFilter, "provider", ("source", WayFilter), "created_at",
        "forward_state", "progress",
    )  # fmt: skip
    needs_right = dict.fromkeys(("margin", "cost_", "expected_charge_", "provider_charge_"), (SEES_MONEY,))  # noqa: RUF012
    tab_filters = (AttentionFilter.parameter_name, StateFilter.parameter_name)
    filters_of_links = ("forward_state", "progress")
    change_list_template = "admin/orders/order/change_list.html"
    list_select_related = ("customer", "provider")
    search_fields = ("id",)  # What is searched is in search_condition.
    search_help_text = _("Number, provider's number, link, or e-mail address")
    ordering = ("-id",)
    list_per_page = 50
    fieldsets = (
        (None, {"fields": (
            ("state_", "needs_review"), ("customer_", "created_at"), ("service_", "quantity_"), "link_",
        )}),
        (_("At the provider"), {"fields": (
            ("provider", "upstream_id", "external_service_id"), ("raw_state", "start_count", "remains"),
            ("expected_charge_", "provider_charge_", "last_refusal"), ("sent_at", "placed_at", "finished_at"),
            ("answered_at", "next_at", "next_poll_at"), ("tries", "poll_misses", "waits_for"),
        )}),
        (_("What was bought"), {"fields": (
            ("service_name", "service_type", "unit"), ("price_", "charge_", "cost_", "margin"),
            ("runs", "interval", "source", "api_key"),
        )}),
    )  # fmt: skip

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        orders: QuerySet[Order] = super().get_queryset(request)
        return orders.annotate(age=ExpressionWrapper(Now() - F("created_at"), output_field=DurationField()))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with its tabs and with the note of each order of the page."""
        page: Any = super().get_changelist_instance(request)
        page.tabs = lambda: tabs_of(page, now=database_now())  # counted only where a template shows them
        sees_money = request.user.has_perm(SEES_MONEY)
        notes = notes_of(page.result_list, now=database_now(), sees_money=sees_money)
        for order in page.result_list:
            order.note = notes[order.pk]
        return page

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        for word in search_term.replace("\0", "").split()[:10]:
            queryset = queryset.filter(search_condition(word))
        return queryset, False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        about: dict[str, Any] = {}
        if order is not None and self.has_view_permission(request, order):
            about = {
                "title": _t("Order %(number)s") % {"number": order},
                "history": history_of(order, sees_money=request.user.has_perm(SEES_MONEY)),
                **self.deciding(request, order),
            }
            actions = self.actions_of(request, order)
            about |= {
                "actions": actions,
                "not_possible": sum(not address for address, _verb, _effect in actions),
                "standing": standing_of(order, now=database_now()),
                "counts": counts_of(order),
            }
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    @admin.display(description=_("number"), ordering="id")
    def number(self, order: Order) -> str:
        return str(order)

    @admin.display(description=_("state"))
    def state_(self, order: Order) -> SafeString:
        """The state in the words of staff, and below it in the list why."""
        note = getattr(order, "note", None)
        face = note.face if note else face_of_staff(order)
        badge = state_html(face.css, face.icon, str(face.word))
        return format_html('{}<span class="second-line">{}</span>', badge, note.text) if note and note.text else badge

    @admin.display(description=_("customer"))
    def customer_(self, order: Order) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[order.customer_id]), order.customer
        )

    @admin.display(description=_("service"), ordering="service_id")
    def service_(self, order: Order) -> SafeString:
        return format_html("{} <bdi>{}</bdi>", order.service_id, order.service_name)

    @admin.display(description=_("link"))
    def link_(self, order: Order) -> SafeString:
        # Text, not a link: it is a customer's, and the admin opens nobody's pages.
        return format_html("<bdi>{}</bdi>", order.link)

    @admin.display(description=_("quantity"))
    def quantity_(self, order: Order) -> str:
        if order.runs:
            return f"{num(order.total)} ({num(order.quantity)} × {order.runs})"
        return num(order.total)

    @admin.display(description=_("charge"), ordering="charge")
    def charge_(self, order: Order) -> SafeString:
        if not order.refunded:
            return money_html(order.charge)
        return format_html("{} <small>{}</small>", money_html(order.charge), money_html(order.refunded, signed=True))

    @admin.display(description=_("price"))
    def price_(self, order: Order) -> SafeString:
        return money_html(order.price)

    @admin.display(description=_("cost"))
    def cost_(self, order: Order) -> SafeString:
        cost = cost_of(order)
        if cost.is_fact:
            return money_html(cost.amount)
        return format_html('<span class="num">≈ {}</span>', money_html(cost.amount))

    @admin.display(description=_("margin"))
    def margin(self, order: Order) -> SafeString:
        return money_html(margin_of(order))

    @admin.display(description=_("charged by the provider"))
    def provider_charge_(self, order: Order) -> str:
        if order.provider_charge is None:
            return "–"
        return f"{order.provider_charge.normalize():f} {order.answered_currency or order.provider_currency}"

    @admin.display(description=_("expected charge"))
    def expected_charge_(self, order: Order) -> str:
        return f"{order.expected_charge.normalize():f} {order.provider_currency}"

    @admin.display(description=_("provider"), ordering="provider")
    def at_provider(self, order: Order) -> SafeString:
        return format_html("{} <bdi>{}</bdi>", order.provider, order.upstream_id or "")

    @admin.display(description=_("age"), ordering="-created_at")
    def age_(self, order: Order) -> str:
        return duration_text(order.age)  # type: ignore[attr-defined]  # annotated by get_queryset
