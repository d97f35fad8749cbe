from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.requests import ShopRequest
from catalog.models import Category, ChangeKind
from catalog.shop.example_receipt import example_receipt
from catalog.shop.page_meta import page_meta
from catalog.shop.price_list import list_services
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.revalidation import revalidated_for_visitors
from catalog.shop.updates import read_updates
from core.fragments import is_fragment


@require_safe
@vary_on_headers("HX-Request")
@revalidated_for_visitors
def prices(request: ShopRequest) -> HttpResponse:
    """Home: the price list, for everybody. htmx asks for the list alone while somebody types."""
    query = PriceListQuery.read(request.GET)
    if query.category and not is_fragment(request):
        heading = Category.objects.filter(pk=query.category, is_visible=True).first()
        if heading is not None:
            return HttpResponsePermanentRedirect(replace(query, category_name=heading.name).as_address())
    group = request.customer.group if request.customer else None
    context: dict[str, Any] = {"page": "prices", "listing": list_services(query, group), "query": query}
    if is_fragment(request):
        response = render(request, "catalog/list.html", {**context, "oob": True})
        response["HX-Replace-Url"] = query.as_address()
        return response
    listing = context["listing"]
    services = listing.services_in_shop
    headline = {"services": services, "categories": listing.categories_in_shop, "example": example_receipt()}
    said = _("%(n)s services, priced per 1,000 and paid from a prepaid wallet. Charged for what arrives.")
    meta = page_meta(title=_("Price list"), description=said % {"n": f"{services:,}"}, path=query.canonical())
    return render(request, "catalog/prices.html", context | headline | {"meta": meta})


@require_safe
def updates(request: HttpRequest) -> HttpResponse:
    """Changes of the price list, for everybody."""
    context = {"page": "updates", "updates": read_updates(request.GET), "kinds": ChangeKind.choices}
    return render(request, "catalog/updates.html", context)
