"""The pages that search engines should know, in files of a few thousand, and what they should leave alone."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.models import Category, Service
from catalog.shop.page_addresses import category_address, service_address
from core.languages import in_language, offered
from core.shop_settings import shop_settings
from pages.models import OwnPage

#: Addresses in one file, far below the 50,000 that a file may hold, so that each is made quickly.
PER_FILE = 2_000
#: Paths that are of no use to search engines: they ask for a sign-in, or are for programs.
PRIVATE = (
    "/account/", "/accounts/", "/admin/", "/api/v2", "/currency/", "/language/", "/order/", "/orders/", "/wallet/",
    "/pay/",
)  # fmt: skip


class ShopSitemap(Sitemap):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """Addresses under the name by which the shop is known (``SHOP_URL``)."""

    limit = PER_FILE

    @property
    def protocol(self) -> str:  # type: ignore[override]
        return urlsplit(settings.SHOP_URL).scheme

    def get_domain(self, site: Any = None) -> str:
        return urlsplit(settings.SHOP_URL).netloc

    def get_urls(self, page: Any = 1, site: Any = None, protocol: Any = None) -> list[dict[str, Any]]:
        """Each page once in every language that the shop offers, with where it is in the others."""
        codes, found = offered(shop_settings()), []
        for url in super().get_urls(page, site, protocol):
            path = urlsplit(url["location"]).path
            addresses = {code: settings.SHOP_URL + in_language(path, code) for code in codes}
            if len(set(addresses.values())) == 1:
                found.append(url | {"location": addresses[codes[0]]})
                continue
            links = [*addresses.items(), ("x-default", addresses[codes[0]])]
            alternates = [{"lang_code": code, "location": address} for code, address in links]
            found += [url | {"location": address, "alternates": alternates} for address in addresses.values()]
        return found


class Pages(ShopSitemap):
    def items(self) -> list[str]:
        return ["catalog:prices", "catalog:updates", "orders:status", "api:docs"]

    def location(self, item: str) -> str:
        return reverse(item)


class OwnPages(ShopSitemap):
    """Published pages of the owner, each with the time at which it last changed."""

    def items(self) -> QuerySet[OwnPage]:
        return OwnPage.objects.filter(is_published=True).order_by("pk").only("slug", "changed_at")

    def lastmod(self, item: OwnPage) -> datetime:
        return item.changed_at


class Categories(ShopSitemap):
    """Categories with a service on sale."""

    def items(self) -> QuerySet[Category, tuple[int, str]]:
        selling = Service.objects.on_sale().order_by().values("category")
        return Category.objects.filter(pk__in=selling).order_by("pk").values_list("pk", "name")

    def location(self, item: tuple[int, str]) -> str:
        return category_address(*item)


class Services(ShopSitemap):
    """Services on sale, without a time: prices, texts and measured times change pages too, and no row knows when."""

    def items(self) -> QuerySet[Service, tuple[int, str]]:
        return Service.objects.on_sale().order_by("pk").values_list("pk", "name")

    def location(self, item: tuple[int, str]) -> str:
        return service_address(*item)


SITEMAPS = {"pages": Pages, "own": OwnPages, "categories": Categories, "services": Services}


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Where search engines may look, and where the list of pages is."""
    codes = [code for code, _name in settings.LANGUAGES]
    closed = dict.fromkeys(in_language(path, code) for code in codes for path in PRIVATE)
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), "Allow: /", ""]
    lines.append(f"Sitemap: {settings.SHOP_URL}{reverse('sitemap')}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon for programs that ask for it by its old name; pages name the drawing of it."""
    return HttpResponseRedirect(static("favicon.ico"))
