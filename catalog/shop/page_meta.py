"""What the pages of services and categories say about themselves to search engines."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from catalog.models import Category, Service, Unit
from catalog.shop.service_page import ServicePage
from core.owner_texts import shown
from core.page_meta import absolute
from core.templatetags.money import money_text

#: What must not stand in a script element as it is, or a name could end it.
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def service_description(service: Service) -> str:
    """Return one sentence about a service, with the list's price."""
    unit = _("per package") if service.unit == Unit.PER_PACKAGE else _("per 1,000")
    offers = [
        *([_("refill")] if service.allows_refill else []),
        *([_("cancel")] if service.allows_cancel else []),
        *([_("drip-feed")] if service.allows_dripfeed else []),
    ]
    facts = {
        "name": shown(service, "name")[:120],
        "price": money_text(service.price) if service.price is not None else "",
        "unit": unit,
        "min": f"{service.min:,}",
        "max": f"{service.max:,}",
        "offers": ", ".join(offers),
    }
    if service.unit == Unit.PER_PACKAGE:
        said = _("%(name)s: %(price)s %(unit)s.") % facts
    else:
        said = _("%(name)s: %(price)s %(unit)s, from %(min)s to %(max)s.") % facts
    return said + (" " + _("With %(offers)s.") % facts if offers else "")


def product_data(page: ServicePage, *, path: str, description: str) -> SafeString:
    """Return a service as a product with an offer, at the list's price."""
    service, stock = page.service, "InStock" if page.is_sold else "OutOfStock"
    code: str = settings.SHOP_CURRENCY
    price = f"{service.price:f}"
    per = {"@type": "QuantitativeValue", "value": 1 if service.unit == Unit.PER_PACKAGE else 1000, "unitCode": "C62"}
    return data_block(
        {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": shown(service, "name"),
            "sku": str(service.pk),
            "category": shown(service.category, "name"),
            "description": description,
            "image": absolute(static("share.png")),
            "url": absolute(path),
            "offers": {
                "@type": "Offer",
                "url": absolute(path),
                "price": price,
                "priceCurrency": code,
                "availability": f"https://schema.org/{stock}",
                "priceSpecification": {
                    "@type": "UnitPriceSpecification",
                    "price": price,
                    "priceCurrency": code,
                    "referenceQuantity": per,
                },
            },
        }
    )


def breadcrumb_data(steps: Sequence[tuple[str, str]]) -> SafeString:
    """Return the way to a page: names with paths, the first one that of the price list."""
    items = [
        {"@type": "ListItem", "position": n, "name": name, "item": absolute(path)}
        for n, (name, path) in enumerate(steps, start=1)
    ]
    return data_block({"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items})


def category_description(category: Category, total: int) -> str:
    """Return the owner's text about a category, or else one sentence."""
    if said := shown(category, "description"):
        return " ".join(said.split())
    facts = {"name": shown(category, "name"), "n": f"{total:,}"}
    return _("%(name)s: %(n)s services with prices, limits and measured times. Charged for what arrives.") % facts


def data_block(data: Mapping[str, Any]) -> SafeString:
    """Return ``data`` as a block of JSON-LD. It is data, so the content security policy has no say in it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":")).translate(_ESCAPES)
    return SafeString(f'<script type="application/ld+json">{text}</script>')
