from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from catalog.example import example_receipt
from catalog.pricelist import list_services, totals
from catalog.wish import Wish
from core.fragments import is_fragment


@require_safe
@vary_on_headers("HX-Request")
def prices(request: HttpRequest) -> HttpResponse:
    """Home: the list itself, for everybody. htmx asks for the list alone while somebody types."""
    wish = Wish.read(request.GET)
    context: dict[str, Any] = {"page": "prices", "listing": list_services(wish), "wish": wish}
    if is_fragment(request):
        response = render(request, "catalog/list.html", {**context, "oob": True})
        response["HX-Replace-Url"] = reverse("catalog:prices") + wish.query()
        return response
    listing = context["listing"]
    services, categories = (listing.total, listing.categories) if wish.is_plain else totals()
    headline = {"services": services, "categories": categories, "example": example_receipt()}
    return render(request, "catalog/prices.html", context | headline)
