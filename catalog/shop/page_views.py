"""The permanent pages of services and categories, for everybody."""

from dataclasses import replace
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.models import User
from accounts.requests import ShopRequest
from catalog.models import Category, Service
from catalog.prices.customer_prices import own_prices_of
from catalog.shop.category_page import category_page
from catalog.shop.page_addresses import category_address, service_address
from catalog.shop.page_meta import breadcrumb_data, category_description, product_data, service_description
from catalog.shop.platforms import BY_SLUG
from catalog.shop.price_list import list_services
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.service_page import near, read_on_sale, read_once_sold, service_page
from core.fragments import is_fragment
from core.owner_texts import shown
from core.page_meta import page_meta
from core.revalidation import moved, revalidated_for_visitors


@require_safe
@revalidated_for_visitors
def service(request: ShopRequest, pk: int, words: str = "") -> HttpResponse:
    """One service, on sale or not at the moment. 410 with services like it if its provider dropped it; else 404."""
    customer = request.customer or None
    on_sale = read_on_sale(pk)
    found = on_sale or read_once_sold(pk)
    if found is None:
        raise Http404("no such service")
    if found.source.vanished_at is not None:
        return _gone(request, found, customer)
    path = service_address(found.pk, found.name)
    if request.path != path:
        return _moved(request, path)
    page = service_page(found, customer, is_sold=on_sale is not None)
    said = service_description(found)
    blocks = [] if customer else [_way(found), product_data(page, path=path, description=said)]
    meta = page_meta(title=shown(found, "name"), description=said, path=path, data=blocks)
    return render(request, "catalog/service.html", {"page": "service", "meta": meta, "shown": page, "service": found})


@require_safe
@vary_on_headers("HX-Request")
@revalidated_for_visitors
def category(request: ShopRequest, pk: int, words: str = "") -> HttpResponse:
    """The services of one category; htmx asks for the list alone while somebody types.

    404 if none of them is on sale, nor will be again by itself.
    """
    found = category_page(pk)
    if found is None:
        raise Http404("no such category, or nothing on sale in it")
    path = category_address(pk, found.category.name)
    if request.path != path:
        return _moved(request, path)
    query = replace(PriceListQuery.read(request.GET), category=pk, category_name=found.category.name)
    listing = list_services(query, request.customer or None)
    context: dict[str, Any] = {"page": "category", "listing": listing, "query": query}
    if is_fragment(request):
        response = render(request, "catalog/list.html", {**context, "oob": True})
        response["HX-Replace-Url"] = query.as_address()
        return response
    said = category_description(found.category, found.total)
    customer = request.customer or None
    context["pays_list"] = customer is None or not (customer.group_id or own_prices_of(customer))
    blocks = [breadcrumb_data(_steps(found.category, found.platform))]
    meta = page_meta(title=shown(found.category, "name"), description=said, path=query.canonical(), data=blocks)
    return render(request, "catalog/category.html", {**context, "meta": meta, "shown": found})


def _gone(request: ShopRequest, gone: Service, customer: User | None) -> HttpResponse:
    rows = near(gone, customer)
    context = {"page": "gone", "gone": gone, "near": rows, "near_prices": [row.shown_price for row in rows]}
    return render(request, "catalog/gone.html", context, status=410)


def _moved(request: ShopRequest, path: str) -> HttpResponse:
    asked = request.META.get("QUERY_STRING", "")
    return moved(f"{path}?{asked}" if asked else path)


def _way(service: Service) -> SafeString:
    here = (shown(service, "name"), service_address(service.pk, service.name))
    return breadcrumb_data([*_steps(service.category, service.platform), here])


def _steps(category: Category, platform: str) -> list[tuple[str, str]]:
    """The way to a category, through the platform if it is one that we know."""
    prices, known = reverse("catalog:prices"), BY_SLUG.get(platform)
    return [
        (_("Price list"), prices),
        *([(known.name, f"{prices}?platform={known.slug}")] if known else []),
        (shown(category, "name"), category_address(category.pk, category.name)),
    ]
