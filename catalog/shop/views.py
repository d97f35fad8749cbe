from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.requests import ShopRequest
from catalog.models import ChangeKind
from catalog.shop.example_receipt import example_receipt
from catalog.shop.price_list import list_services
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.updates import read_updates
from core.fragments import is_fragment


@require_safe
@vary_on_headers("HX-Request")
def prices(request: ShopRequest) -> HttpResponse:
    """Home: the price list, for everybody. htmx asks for the list alone while somebody types."""
    query = PriceListQuery.read(request.GET)
    group = request.customer.group if request.customer else None
    context: dict[str, Any] = {"page": "prices", "listing": list_services(query, group), "query": query}
    if is_fragment(request):
        response = render(request, "catalog/list.html", {**context, "oob": True})
        response["HX-Replace-Url"] = reverse("catalog:prices") + query.as_address()
        return response
    listing = context["listing"]
    headline = {
        "services": listing.services_in_shop,
        "categories": listing.categories_in_shop,
        "example": example_receipt(),
    }
    return render(request, "catalog/prices.html", context | headline)


@require_safe
def updates(request: HttpRequest) -> HttpResponse:
    """Changes of the price list, for everybody."""
    context = {"page": "updates", "updates": read_updates(request.GET), "kinds": ChangeKind.choices}
    return render(request, "catalog/updates.html", context)
