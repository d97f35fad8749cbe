from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
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
from orders.books.figures import Figures, figures_of
from orders.models import BalanceReading, EntryKind, ProviderAccount, ProviderEntry, ReconciliationBreak

_SHOWN = 50


@admin.register(ProviderAccount)
class ProviderAccountAdmin(ReadOnlyAdmin):
    """Our account at each provider: what it reports, what our books say, deposits, and the differences."""

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
            figures = self._figures(request, provider)
            quiet = BalanceReading.objects.filter(provider=provider.pk, is_quiet=True).first()
            entered = ProviderEntry.objects.filter(provider=provider.pk)[:_SHOWN]
            breaks = ReconciliationBreak.objects.filter(provider=provider.pk, closed_at=None)[:_SHOWN]
            lines = [
                (_("Opening balance and entries"), figures.entries),
                (_("Charges of orders"), EXACT.minus(figures.charges)),
                (_("It should hold"), figures.ours),
                (_("It reports"), provider.balance if isinstance(figures, Figures) else figures.amount),
            ]
            about = {
                "lines": [(label, provider_amount_html(amount, provider.currency)) for label, amount in lines],
                "read_at": None if isinstance(figures, Figures) else figures.at,
                "quiet": quiet,
                "quiet_difference": quiet and provider_amount_html(quiet.difference, provider.currency),
                "entries": [(entry, provider_amount_html(entry.amount, entry.currency)) for entry in entered],
                "breaks": [(row, provider_amount_html(row.amount, row.currency)) for row in breaks],
                "may_enter": self.has_enter_permission(request),
            }
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def _figures(self, request: HttpRequest, provider: Provider) -> Figures | BalanceReading:
        """Return the newest reading, because the charges of a million orders take long to add up.

        The sums of now instead with ``now`` in the address, after an entry, and without a reading in this currency.
        """
        reading = BalanceReading.objects.filter(provider=provider.pk).first()
        if reading is None or "now" in request.GET or reading.currency != provider.currency:
            return figures_of(provider.pk)
        is_old = ProviderEntry.objects.filter(provider=provider.pk, at__gt=reading.at).exists()
        return figures_of(provider.pk) if is_old else reading

    def enter(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that registers a deposit, a correction or the opening balance."""
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
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            words = {"amount": f"{given['amount']:f} {provider.currency}", "kind": EntryKind(given["kind"]).label}
            try:
                with transaction.atomic():
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
                    if is_new:
                        sentence = f"{words['kind']}: {words['amount']}, {given['memo']}"
                        values = {name: given[name] for name in ("kind", "amount", "reference")}
                        self.record(request, provider, "provider.enter", sentence, reason=given["memo"], after=values)
            except Refusal as refusal:
                form.add_error("amount", str(refusal.message))
            except entries.EntryKeyReused:
                form.add_error(None, _t("This form was sent before with other figures. Please open it again."))
            else:
                if is_new:
                    messages.success(request, _t("%(kind)s entered: %(amount)s.") % words)
                else:
                    messages.warning(request, _t("%(amount)s was already entered; nothing was added.") % words)
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

    @admin.display(description=_("reported"), ordering="balance")
    def balance_(self, provider: Provider) -> SafeString | str:
        return provider_amount_html(provider.balance, provider.currency)

    @admin.display(description=_("open differences"), ordering="open_breaks")
    def breaks_(self, provider: Provider) -> int:
        count: int = provider.open_breaks  # type: ignore[attr-defined]  # annotated by get_queryset
        return count
