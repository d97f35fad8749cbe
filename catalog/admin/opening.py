"""The page that opens a new provider: test the connection, read the list, see cost and prices, choose what to sell."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.admin.provider_messages import show_connection_report
from catalog.models import Provider, SyncRun
from catalog.providers.checks import check_connection
from catalog.shop.bulk_edit import open_services
from catalog.shop.opening import HiddenCategory, hidden_categories, hidden_services
from catalog.sync.requested import request_sync
from catalog.sync.run import AlreadyRunning
from core.clock import database_now
from core.shop_admin import ShopModelAdmin

#: Services of one category that are shown one by one; a longer category is opened as a whole.
MOST_ROWS = 500


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
    """Show the hidden services by category; a POST opens the chosen ones."""
    if request.method == "POST":
        return _open_chosen(page, request, provider)
    # 1. What is known of the provider so far.
    run = SyncRun.objects.filter(provider=provider).first()
    has_list = provider.last_synced_at is not None
    categories = hidden_categories(provider) if has_list else []
    # 2. One category service by service, if the address names it.
    chosen = next((c for c in categories if str(c.id) == request.GET.get("category")), None)
    context = {
        **page.admin_site.each_context(request),
        "title": _("Open %(name)s") % {"name": provider.name},
        "opts": page.opts,
        "provider": provider,
        "run": run,
        "has_list": has_list,
        "categories": categories,
        "total": sum(category.count for category in categories),
        "chosen": chosen,
        "shown": chosen.rows[:MOST_ROWS] if chosen else [],
    }
    return TemplateResponse(request, "admin/catalog/provider/open.html", context)


def _open_chosen(page: ShopModelAdmin, request: HttpRequest, provider: Provider) -> HttpResponse:
    categories = hidden_categories(provider)
    if provider.last_synced_at is None:
        messages.error(request, _("Test the connection and read the list first."))
        return _back(provider)
    ids = _chosen_ids(request, categories)
    if not ids:
        messages.warning(request, _("Choose at least one category or service. Nothing was opened."))
        return _back(provider)
    with transaction.atomic():
        opened = open_services(ids, now=database_now())
        after = {"services": len(opened), "categories": len({service.category_id for service in opened})}
        page.record(request, provider, "provider.open", _("Services opened"), after=after)
    counted = ngettext("%(n)s service is on sale now.", "%(n)s services are on sale now.", len(opened))
    messages.success(request, counted % {"n": f"{len(opened):,}"})
    if hidden_services(provider).exists():
        return _back(provider)
    return HttpResponseRedirect(reverse("admin:catalog_provider_change", args=[provider.pk]))


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
        show_connection_report(request, report, provider)
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
