from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from catalog.admin.figures import provider_amount_html
from catalog.models import Provider
from core.clock import database_now
from core.money import EXACT
from core.read_only_admin import ReadOnlyAdmin
from core.refusals import Refusal
from orders.admin.account_form import EntryForm, new_nonce
from orders.books import entries
from orders.books.figures import figures_of
from orders.models import BalanceReading, EntryKind, ProviderAccount, ProviderEntry, ReconciliationBreak

_SHOWN = 50


@admin.register(ProviderAccount)
class ProviderAccountAdmin(ReadOnlyAdmin):
    """Our account at each provider: what it reports, what we reckon, deposits, and the differences."""

    change_form_template = "admin/orders/provideraccount/change_form.html"
    list_display = ("name", "currency", "balance_", "balance_at", "breaks_")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "currency", "balance_", "balance_at")

    class Media:
        css = {"all": ["admin-parts.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderAccount]:
        rows: QuerySet[ProviderAccount] = super().get_queryset(request)
        return rows.annotate(open_breaks=Count("breaks", filter=Q(breaks__closed_at=None)))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.enter)
        return [path("<int:pk>/enter/", view, name="orders_provideraccount_enter"), *super().get_urls()]

    def has_enter_permission(self, request: HttpRequest) -> bool:
        """Who may register deposits and corrections."""
        return request.user.has_perm("orders.add_providerentry")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        provider = self.get_object(request, object_id)
        about: dict[str, Any] = {}
        if provider is not None and self.has_view_permission(request, provider):
            about = self._about(request, provider)
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def _about(self, request: HttpRequest, provider: Provider) -> dict[str, Any]:
        figures = figures_of(provider.pk)
        quiet = BalanceReading.objects.filter(provider=provider.pk, is_quiet=True).first()

        def shown(amount: Any) -> SafeString | str:
            return provider_amount_html(amount, provider.currency)

        return {
            "lines": [
                (_("Opening balance and entries"), shown(figures.entries)),
                (_("Charges of orders"), shown(EXACT.minus(figures.charges))),
                (_("It should hold"), shown(figures.ours)),
                (_("It reports"), shown(provider.balance)),
            ],
            "quiet": quiet,
            "quiet_difference": None if quiet is None else shown(quiet.difference),
            "entries": [
                (e, provider_amount_html(e.amount, e.currency))
                for e in ProviderEntry.objects.filter(provider=provider.pk)[:_SHOWN]
            ],
            "breaks": [
                (b, provider_amount_html(b.amount, b.currency))
                for b in ReconciliationBreak.objects.filter(provider=provider.pk, closed_at=None)[:_SHOWN]
            ],
            "may_enter": self.has_enter_permission(request),
        }

    def enter(self, request: HttpRequest, pk: int) -> HttpResponse:
        provider: Provider = get_object_or_404(Provider, pk=pk)
        if request.method not in ("GET", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        if not self.has_enter_permission(request):
            raise PermissionDenied
        form = EntryForm(
            request.POST or None,
            initial={"nonce": new_nonce()},
            has_opening=entries.opening_of(pk) is not None and request.method == "GET",
        )
        if request.method == "POST" and form.is_valid() and self._enter(request, provider, form):
            return HttpResponseRedirect(reverse("admin:orders_provideraccount_change", args=[pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Register money at a provider"),
            "opts": self.opts,
            "media": self.media,
            "provider": provider,
            "form": form,
        }
        return TemplateResponse(request, "admin/orders/provideraccount/enter.html", context)

    def _enter(self, request: HttpRequest, provider: Provider, form: EntryForm) -> bool:
        given = form.cleaned_data
        words = {"amount": f"{given['amount']:f} {provider.currency}", "kind": EntryKind(given["kind"]).label}
        try:
            is_new = entries.enter(
                provider,
                EntryKind(given["kind"]),
                given["amount"],
                key=f"admin:{given['nonce']}",
                reference=given["reference"],
                memo=given["memo"],
                actor=str(request.user),
                now=database_now(),
            )
        except Refusal as refusal:
            form.add_error("amount", str(refusal.message))
            return False
        except entries.KeyReused:
            form.add_error(None, _t("This form was sent before with other figures. Open it again."))
            return False
        if is_new:
            self.log_change(request, provider, f"{words['kind']}: {words['amount']}, {given['memo']}")
            messages.success(request, _t("%(kind)s entered: %(amount)s.") % words)
        else:
            messages.warning(request, _t("%(amount)s was entered before; nothing was added.") % words)
        return True

    @admin.display(description=_("reported"), ordering="balance")
    def balance_(self, provider: Provider) -> SafeString | str:
        return provider_amount_html(provider.balance, provider.currency)

    @admin.display(description=_("open differences"), ordering="open_breaks")
    def breaks_(self, provider: Provider) -> int:
        count: int = provider.open_breaks  # type: ignore[attr-defined]  # annotated by get_queryset
        return count
