from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.requests import ShopRequest
from catalog.models import Category, ChangeKind
from catalog.shop.example_receipt import example_receipt
from catalog.shop.platform_tree import sold_platforms
from catalog.shop.platforms import BY_SLUG, OTHER
from catalog.shop.price_list import Listing, list_services
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.search_index import search_index
from catalog.shop.updates import read_updates, week_in_updates
from core.fragments import is_fragment
from core.owner_texts import attach, shown
from core.page_meta import page_meta
from core.revalidation import moved, revalidated_for_visitors


@require_safe
@vary_on_headers("HX-Request")
@revalidated_for_visitors
def prices(request: ShopRequest) -> HttpResponse:
    """Home: the price list, for everybody. htmx asks for the list alone while somebody types."""
    query = PriceListQuery.read(request.GET)
    if query.category and not is_fragment(request):
        heading = Category.objects.filter(pk=query.category, is_visible=True).first()
        if heading is not None:
            return moved(replace(query, category_name=heading.name).as_address())
    customer = request.customer or None
    context: dict[str, Any] = {"page": "prices", "listing": list_services(query, customer), "query": query}
    if is_fragment(request):
        response = render(request, "catalog/list.html", {**context, "oob": True})
        response["HX-Replace-Url"] = query.as_address()
        return response
    attach(request.shop)
    listing = context["listing"]
    context |= {
        "is_home": query == PriceListQuery(),
        "heading": _heading(query),
        "services": listing.services_in_shop,
        "categories": listing.categories_in_shop,
        "example": example_receipt(),
    }
    title, said = [context["heading"]], [_description(request, query, listing)]
    if query.page > 1:
        page = _("Page %(page)s") % {"page": f"{query.page:,}"}
        title, said = [*title, page], [*said, f"{page}."]
    meta = page_meta(title=" · ".join(title), description=" ".join(said), path=query.canonical())
    return render(request, "catalog/prices.html", {**context, "meta": meta})


def _heading(query: PriceListQuery) -> str:
    if query.platform in BY_SLUG:
        return _("%(platform)s services") % {"platform": BY_SLUG[query.platform].name}
    return _("Other services") if query.platform == OTHER else _("Price list")


def _description(request: ShopRequest, query: PriceListQuery, listing: Listing) -> str:
    """What search engines show: about a platform one sentence, about the whole list the owner's text or else one."""
    if query.platform in BY_SLUG:
        n = sum(platform.total for platform in listing.platforms if platform.is_current)
        said = _("%(n)s %(platform)s services, priced per 1,000. Charged for what arrives.")
        return said % {"n": f"{n:,}", "platform": BY_SLUG[query.platform].name}
    said = _("%(n)s services, priced per 1,000 and paid from a prepaid wallet. Charged for what arrives.")
    return " ".join(shown(request.shop, "home_text").split()) or said % {"n": f"{listing.services_in_shop:,}"}


@require_safe
@revalidated_for_visitors
def updates(request: ShopRequest) -> HttpResponse:
    """Changes of the price list, for everybody."""
    counted, index = week_in_updates(), search_index()
    said = _("New services, changed prices and services that ended, the newest first.")
    context = {
        "page": "updates",
        "updates": read_updates(request.GET),
        "kinds": ChangeKind.choices,
        "platforms": sold_platforms(index),
        "week": [(label, counted[kind]) for kind, label in ChangeKind.choices],
        "on_sale": len(index.entries),
        "meta": page_meta(title=_("Service updates"), description=said, path=request.path),
    }
    return render(request, "catalog/updates.html", context)
