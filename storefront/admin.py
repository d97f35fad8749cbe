"""The settings of the shop in the admin: what the owner says about it and what the environment says."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.clock import database_now
from core.models import ShopSettings
from core.owner_texts_admin import OwnerTextsAdmin
from core.refusals import Refusal
from core.staff_actions import staff_actor
from storefront.opening import open_shop

PAGE = "admin:core_shopsettings_change"

#: Shown, not changed: a wrong value of these has to stop the start, not a running shop.
ENVIRONMENT = (
    "SHOP_URL", "SHOP_CURRENCY", "LANGUAGE_CODE", "TIME_ZONE", "API_RATE_PER_MINUTE", "FORWARD_DEADLINE_SECONDS",
    "FORWARD_LEASE_SECONDS", "FORWARD_LANES", "SWEEP_SECONDS", "POLL_SECONDS", "POLL_CALLS_PER_MINUTE", "POLL_LANES",
    "READ_DEADLINE_SECONDS", "SYNC_DEADLINE_SECONDS", "SYNC_HOURS", "DOUBT_SETTLE_SECONDS", "DOUBT_REVIEW_SECONDS",
    "DOUBT_REFUND_SECONDS", "RUNS_SETTLE_SECONDS", "FAILED_GRACE_SECONDS", "REFILL_DOUBT_SECONDS", "PATIENCE_SECONDS",
    "BREAKER_DOUBTS", "BREAKER_STREAK", "BREAKER_COST", "BREAKER_TRIAL_SECONDS", "REFUSAL_STREAK",
    "SUBSCRIPTION_MAX_POSTS",
)  # fmt: skip


@admin.register(ShopSettings)
class ShopSettingsAdmin(OwnerTextsAdmin):
    """One form: there is one shop."""

    texts = ("headline", "home_text")

    change_form_template = "admin/core/shopsettings/change_form.html"
    fieldsets = (
        (_("What customers read"), {"fields": ("name", "headline", "home_text", "contact_email", "sender_name")}),
        (_("Languages"), {"fields": ("languages",)}),
        (_("New customers"), {"fields": ("opened_", "signup_is_open", "signups_per_hour")}),
        (_("Set in the environment"), {"fields": ("environment_",)}),
    )
    readonly_fields = ("opened_", "environment_")

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_urls(self) -> list[URLPattern]:
        return [
            path("open/", self.admin_site.admin_view(self.open), name="core_shopsettings_open"),
            *super().get_urls(),
        ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Languages as boxes to tick: the translated ones besides the default one, which is always offered."""
        if db_field.name != "languages":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return forms.MultipleChoiceField(
            choices=[pair for pair in settings.LANGUAGES if pair[0] != settings.LANGUAGE_CODE],
            widget=forms.CheckboxSelectMultiple,
            required=False,
            label=capfirst(str(db_field.verbose_name)),
            help_text=db_field.help_text,
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect(PAGE, 1)

    def open(self, request: HttpRequest) -> HttpResponse:
        """Open the shop to customers."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        owner: Any = request.user
        try:
            is_new = open_shop(owner=owner, actor=staff_actor(request), now=database_now())
        except Refusal as refusal:
            messages.error(request, str(refusal.message))
        else:
            words = _t("The shop is open: customers can sign up.") if is_new else _t("The shop was open already.")
            messages.success(request, words)
        return redirect(PAGE, 1)

    @admin.display(description=_("open since"))
    def opened_(self, shop: ShopSettings) -> Any:
        if shop.opened_at is None:
            return _t("Not opened yet. Nobody can sign up.")
        return date_format(localtime(shop.opened_at), "DATETIME_FORMAT")

    @admin.display(description=_("settings"))
    def environment_(self, shop: ShopSettings) -> SafeString:
        values = ((name, getattr(settings, name)) for name in ENVIRONMENT)
        rows = ((name, f"{value:.12g}" if isinstance(value, float) else value) for name, value in values)
        lines = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows)
        return format_html('<div class="part"><table>{}</table></div>', lines)
