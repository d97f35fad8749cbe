"""The guide for a new provider: test the connection, read the list, see cost and prices, choose what to sell.

How far it is comes from the rows alone, so it goes on wherever it was left.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.fresh_sign_in import demand_fresh_sign_in
from catalog.admin.price_preview import SEEN, proof_of_preview, proves_preview
from catalog.admin.service_form import PercentField
from catalog.locks import lock_all_providers, lock_provider
from catalog.models import Provider, SyncRun
from catalog.provider_settings import after_change
from catalog.providers.checks import Verdict, check_connection
from catalog.shop.bulk_edit import open_services
from catalog.shop.opening import (
    HiddenCategory,
    changed_since,
    hidden_categories,
    hidden_services,
    listing_of,
    shows_anything,
)
from catalog.sync.requested import request_sync
from catalog.sync.run import AlreadyRunning
from core.clock import database_now
from core.numbers import plain_number
from core.shop_admin import ShopModelAdmin

#: Services of one category that are shown one by one; a longer category is opened as a whole.
MOST_ROWS = 500
#: The field in which the page sends what it listed, to say what has changed since. :data:`SEEN` is its proof.
LISTED = "listed"
#: Changed categories that a message names.
_MOST_NAMED = 5


def opening_urls(page: ShopModelAdmin) -> list[URLPattern]:
    """Return the URLs of the page for the providers that ``page`` shows."""
    wrap = page.admin_site.admin_view

    def of_provider(view: Callable[[ShopModelAdmin, HttpRequest, Provider], HttpResponse]) -> Callable[..., Any]:
        def checked(request: HttpRequest, pk: int) -> HttpResponse:
            provider = page.get_object(request, str(pk))
            if provider is None:
                raise Http404
            if not page.has_change_permission(request, provider):
                raise PermissionDenied
            return view(page, request, provider)

        return checked

    return [
        path("<int:pk>/open/", wrap(of_provider(_open)), name="catalog_provider_open"),
        path("<int:pk>/open/test/", wrap(of_provider(_test)), name="catalog_provider_open_test"),
        path("<int:pk>/open/progress/", wrap(of_provider(_progress)), name="catalog_provider_open_progress"),
    ]


def _open(page: ShopModelAdmin, request: HttpRequest, provider: Provider) -> HttpResponse:
    """Show how far the provider is, and its hidden services by category; a POST opens the chosen ones."""
    if request.method == "POST" and request.POST.get("what") == "markup":
        return _set_markup(page, request, provider)
    if request.method == "POST":
        return _open_chosen(page, request, provider)
    # 1. What is known of the provider so far.
    run = SyncRun.objects.filter(provider=provider).first()
    has_list = provider.last_synced_at is not None
    verdicts = {line["verdict"] for line in provider.last_test}
    is_tested = bool(verdicts) and Verdict.FAILS not in verdicts
    is_reading = run is not None and run.is_open
    categories = hidden_categories(provider) if has_list else []
    # 2. One category service by service, if the address names it.
    chosen = next((c for c in categories if str(c.id) == request.GET.get("category")), None)
    listing = listing_of(categories)
    context = {
        **page.admin_site.each_context(request),
        "title": _("Open %(name)s") % {"name": provider.name},
        "opts": page.opts,
        "provider": provider,
        "step": "choose" if has_list and not is_reading else "list" if is_reading or is_tested else "test",
        "tested": provider.last_test,
        "verdict": next((v for v in (Verdict.FAILS, Verdict.NOTE) if v in verdicts), Verdict.WORKS),
        "run": run,
        "has_list": has_list,
        "may_set_markup": bool(categories) and not shows_anything(provider),
        "markup": plain_number(provider.markup_percent),
        "categories": categories,
        "total": sum(category.count for category in categories),
        "chosen": chosen,
        "shown": chosen.rows[:MOST_ROWS] if chosen else [],
        "seen": {SEEN: proof_of_preview(request, listing), LISTED: listing},
    }
    return TemplateResponse(request, "admin/catalog/provider/open.html", context)


def _set_markup(page: ShopModelAdmin, request: HttpRequest, provider: Provider) -> HttpResponse:
    """Set the markup of a provider of which nothing is on sale yet; the page shows the prices that it makes."""
    demand_fresh_sign_in(request)
    field = PercentField(min_value=0, max_value=100_000)
    try:
        percent = field.clean(request.POST.get("markup", ""))
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
        return _back(provider)
    with transaction.atomic():
        locked = lock_provider(provider.pk)
        if shows_anything(locked):
            messages.error(request, _("Some of its services are on sale. Change the markup on the provider's page."))
            return _back(provider)
        before, locked.markup_percent = locked.markup_percent, percent
        locked.save(update_fields=["markup_percent"])
        after_change(locked, {"markup_percent"}, now=database_now())
        page.record(
            request, locked, "provider.markup", _("Markup set"), before={"percent": before}, after={"percent": percent}
        )
    return HttpResponseRedirect(f"{reverse('admin:catalog_provider_open', args=[provider.pk])}#step-choose")


def _open_chosen(page: ShopModelAdmin, request: HttpRequest, provider: Provider) -> HttpResponse:
    """Open what was chosen, unless other services or prices are listed now than the page showed."""
    if provider.last_synced_at is None:
        messages.error(request, _("Test the connection and read the list first."))
        return _back(provider)
    with transaction.atomic():
        # Syncs and changes of prices wait for these locks, so what is compared here is what goes on sale.
        locked = {row.pk: row for row in lock_all_providers()}
        categories = hidden_categories(locked[provider.pk])
        if not proves_preview(request, listing_of(categories)):
            messages.warning(request, _has_changed(request.POST.get(LISTED, ""), categories))
            return HttpResponseRedirect(request.get_full_path())
        ids = _chosen_ids(request, categories)
        if not ids:
            messages.warning(request, _("Choose at least one category or service. Nothing was opened."))
            return _back(provider)
        opened = open_services(ids, now=database_now())
        after = {"services": len(opened), "categories": len({service.category_id for service in opened})}
        page.record(request, provider, "provider.open", _("Services opened"), after=after)
    counted = ngettext("%(n)s service is on sale now.", "%(n)s services are on sale now.", len(opened))
    messages.success(request, counted % {"n": f"{len(opened):,}"})
    if hidden_services(provider).exists():
        return _back(provider)
    return HttpResponseRedirect(reverse("admin:catalog_provider_change", args=[provider.pk]))


def _has_changed(listing: str, categories: list[HiddenCategory]) -> SafeString:
    """Say that the page listed something else, which categories differ now, and what to do."""
    lines: list[str | SafeString] = [
        _("Services or prices have changed since this page was shown, so nothing was opened."),
        _("Check the prices below, choose again, and open."),
    ]
    if changed := changed_since(listing, categories) if listing else []:
        names = format_html_join(", ", "<bdi>{}</bdi>", ((category.name,) for category in changed[:_MOST_NAMED]))
        more = f" (+{len(changed) - _MOST_NAMED:,})" if len(changed) > _MOST_NAMED else ""
        lines.insert(1, format_html(_("New or changed: {names}{more}."), names=names, more=more))
    return format_html_join(" ", "{}", ((line,) for line in lines))


def _chosen_ids(request: HttpRequest, categories: list[HiddenCategory]) -> list[int]:
    """The services that were chosen: all, those of categories, or single ones; doubles are left out on request."""
    rows = [row for category in categories for row in category.rows]
    if request.POST.get("what") == "services":
        single = set(request.POST.getlist("service"))
        return [row.service.pk for row in rows if str(row.service.pk) in single]
    if request.POST.get("what") != "all":
        wanted = set(request.POST.getlist("category"))
        rows = [row for category in categories if str(category.id) in wanted for row in category.rows]
    with_doubles = request.POST.get("doubles") == "open"
    return [row.service.pk for row in rows if with_doubles or row.double is None]


def _test(page: ShopModelAdmin, request: HttpRequest, provider: Provider) -> HttpResponse:
    """Test the connection; if it works, have the list read."""
    if request.method == "POST":
        report = check_connection(provider, now=database_now())
        if report.is_good:
            with transaction.atomic():
                page.record(request, provider, "provider.sync", _("Synced"))
            try:
                request_sync(provider, actor=str(request.user), now=database_now())
            except AlreadyRunning as refusal:
                messages.warning(request, str(refusal.message))
    return _back(provider)


def _progress(page: ShopModelAdmin, request: HttpRequest, provider: Provider) -> HttpResponse:
    """The progress of the newest sync, which htmx asks for; once it has ended, the whole page is loaded again."""
    run = SyncRun.objects.filter(provider=provider).first()
    if run is None or not run.is_open:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"run": run, "pk": provider.pk, "is_opening": True}
    return TemplateResponse(request, "admin/catalog/provider/sync_progress.html", context)


def _back(provider: Provider) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:catalog_provider_open", args=[provider.pk]))
