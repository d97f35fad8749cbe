from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from catalog.admin.figures import NOTHING, provider_amount_html
from catalog.admin.opening import opening_urls
from catalog.admin.price_preview import PricePreviewAdmin
from catalog.admin.provider_form import ProviderForm
from catalog.admin.provider_messages import show_connection_report, show_sync_result
from catalog.admin.syncs import SyncRunInline
from catalog.models import Provider, SyncRun
from catalog.models.provider import NewServices, SyncState
from catalog.provider_settings import after_change
from catalog.providers.answer_counts import error_rates
from catalog.providers.checks import check_connection
from catalog.providers.health import parked_reason_text, unpark
from catalog.providers.repeatable import field_of, is_proven
from catalog.shop.opening import shows_anything
from catalog.sync.requested import request_sync
from catalog.sync.run import AlreadyRunning
from core.clock import database_now
from core.list_columns import Lines
from core.secrets import SecretUnreadable
from core.templatetags.shop import state_html


@admin.register(Provider)
class ProviderAdmin(PricePreviewAdmin):
    secret_fields = ("key",)
    form = ProviderForm
    list_display = (
        "name", "state_", "balance_", "markup_percent", Lines("last_answer_at", "last_synced_at"), "errors_",
    )  # fmt: skip
    list_filter = ("is_active", ("parked_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "url")
    readonly_fields = (
        "state_", "sale_stopped", "parked_at", "parked_reason", "next_probe_at", "outages", "balance_", "balance_at",
        "last_answer_at", "errors_", "last_synced_at", "next_sync_at", "ids_grow", "foreign_ids_refused",
        "charge_decimals", "repeats_",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("name", "url", "key", "is_active")}),
        (_("Money"), {"fields": ("currency", "exchange_rate", "markup_percent", "low_balance")}),
        (
            _("What follows its list"),
            {
                "fields": (
                    "follows_name",
                    "follows_description",
                    "follows_category",
                    "follows_limits",
                    "holds_falls",
                    "new_services",
                )
            },
        ),
        (
            _("Capabilities"),
            {
                "fields": (
                    "can_refill",
                    "can_cancel",
                    "same_link",
                    "can_list_orders",
                    "probing_enabled",
                    "patience_seconds",
                )
            },
        ),
        (_("API settings"), {"classes": ("collapse",), "fields": ("body_encoding", "batch_size", "dialect")}),
        (_("State"), {"fields": readonly_fields}),
    )
    inlines = (SyncRunInline,)
    add_form_template = "admin/catalog/provider/add_form.html"
    actions = ("unpark",)

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/test-connection/", wrap(self.check_connection), name="catalog_provider_test"),
            path("<int:pk>/sync/", wrap(self.sync_now), name="catalog_provider_sync"),
            path("<int:pk>/sync/progress/", wrap(self.sync_progress), name="catalog_provider_sync_progress"),
        ]
        return [*own, *opening_urls(self), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """All fieldsets, without the state for a provider that is being added."""
        found = super().get_fieldsets(request, obj)
        if obj:
            return found
        # A new one needs address, key and money; everything else has defaults that fit, and can be changed later.
        return [*found[:2], *((name, {**about, "classes": ("collapse",)}) for name, about in found[2:-1])]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """Write only the edited fields: a worker may be updating the same row."""
        if not change:
            obj.save()
            return
        changed = {"sealed_key" if name == "key" else name for name in form.changed_data}
        if changed:
            obj.save(update_fields=changed)
            after_change(obj, changed, now=database_now())

    def response_add(self, request: HttpRequest, obj: Provider, post_url_continue: str | None = None) -> HttpResponse:
        """Go on with the test, and with the choice of what to sell: until then all its services are hidden."""
        if "_addanother" in request.POST or obj.new_services == NewServices.SHOWN:
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:catalog_provider_open", args=[obj.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        newest = SyncRun.objects.filter(provider_id=object_id).first() if object_id.isdecimal() else None
        may_force = newest is not None and newest.state == SyncState.REFUSED
        about: dict[str, Any] = {"may_force": may_force, "run": newest, "pk": object_id}
        if object_id.isdecimal() and (provider := self.get_object(request, object_id)) is not None:
            about["names_request_id"] = bool(field_of(provider))
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    @admin.action(description=_("Unpark: send orders again"), permissions=["change"])
    def unpark(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        for provider in queryset:
            with transaction.atomic():
                is_new = unpark(provider.pk, now=database_now(), actor=str(request.user))
                if is_new:
                    self.record(request, provider, "provider.unpark", _t("Unparked"))
            if is_new:
                messages.success(request, _t("Orders are sent to %(name)s again.") % {"name": provider.name})

    def check_connection(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider = self._posted_provider(request, pk)
        if provider is None:
            return HttpResponseNotAllowed(["POST"])
        show_connection_report(request, check_connection(provider, now=database_now()), provider)
        return self._redirect(pk)

    def sync_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider = self._posted_provider(request, pk)
        if provider is None:
            return HttpResponseNotAllowed(["POST"])
        force = request.POST.get("force") == "1"
        # Before it, since a sync without a broker runs here and is no transaction.
        with transaction.atomic():
            action, sentence = ("provider.force_sync", _t("Sync forced")) if force else ("provider.sync", _t("Synced"))
            self.record(request, provider, action, sentence)
        try:
            run = request_sync(provider, actor=str(request.user), force=force, now=database_now())
        except AlreadyRunning as refusal:
            messages.warning(request, str(refusal.message))
            return self._redirect(pk)
        if not run.is_open:
            show_sync_result(request, run)
        return self._redirect(pk)

    def sync_progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The progress of the newest sync; htmx asks for it while one runs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = SyncRun.objects.filter(provider_id=pk).first()
        if run is None:
            raise Http404
        return TemplateResponse(request, "admin/catalog/provider/sync_progress.html", {"run": run, "pk": pk})

    def _posted_provider(self, request: HttpRequest, pk: int) -> Provider | None:
        """The provider of a POST request; None for other methods. Raises PermissionDenied."""
        if request.method != "POST":
            return None
        provider = self.get_object(request, str(pk))
        if provider is None or not self.has_change_permission(request, provider):
            raise PermissionDenied
        return provider

    def _redirect(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:catalog_provider_change", args=[pk]))

    @admin.display(description=_("state"))
    def state_(self, provider: Provider) -> SafeString:
        if not provider.is_active:
            return state_html("is-canceled", "circle-x", _t("Inactive"))
        if provider.parked_at:
            return state_html("is-partial", "hourglass", parked_reason_text(provider.parked_reason))
        if provider.sale_stopped:
            return state_html("is-partial", "hourglass", provider.sale_stopped)
        if not shows_anything(provider):
            words = state_html("is-partial", "hourglass", _t("Nothing is open for sale"))
            return format_html('<a href="{}">{}</a>', reverse("admin:catalog_provider_open", args=[provider.pk]), words)
        return state_html("is-completed", "circle-check", _t("Selling"))

    @admin.display(description=_("balance"), ordering="balance")
    def balance_(self, provider: Provider) -> SafeString | str:
        return NOTHING if provider.balance is None else provider_amount_html(provider.balance, provider.currency)

    @admin.display(description=_("repeated requests"))
    def repeats_(self, provider: Provider) -> str:
        """Whether a request whose answer was lost is repeated there, and who proved it when."""
        if not field_of(provider):
            return _t("Never repeated: the dialect names no request_id_field.")
        try:
            holds = is_proven(provider)
        except SecretUnreadable:
            holds = False
        if not holds or provider.request_id_proven_at is None:
            return _t("Not repeated until a test order proves that it may be.")
        facts = {"by": provider.request_id_proven_by, "at": f"{provider.request_id_proven_at:%Y-%m-%d %H:%M}"}
        return _t("Repeated: proven by %(by)s on %(at)s.") % facts

    @admin.display(description=_("errors, 24 hours"))
    def errors_(self, provider: Provider) -> str:
        missed, calls = error_rates([provider.pk], now=database_now()).get(provider.pk, (0, 0))
        if not calls:
            return NOTHING
        facts = {"missed": f"{missed:,}", "calls": f"{calls:,}", "share": f"{missed * 100 / calls:.1f}"}
        return _t("%(share)s %% (%(missed)s of %(calls)s calls)") % facts
