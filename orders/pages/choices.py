"""What the lists of a customer's orders offer to be narrowed to."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.models import Service
from catalog.shop.platforms import BY_SLUG
from core.owner_texts import texts_in
from orders.pages.periods import PERIODS
from orders.pages.search import Search

#: Services of so many of the newest orders are offered, and so many of them.
_LOOKED_THROUGH, _MOST = 2_000, 100
#: The numbers are read from the index ``order_in_list`` alone.
_RECENT = """
    SELECT s.id, s.name, s.platform FROM (
        SELECT service_id FROM (
            SELECT id, service_id FROM orders_order WHERE customer_id = %(customer)s ORDER BY id DESC LIMIT %(orders)s
        ) newest GROUP BY service_id ORDER BY max(id) DESC LIMIT %(most)s
    ) recent JOIN catalog_service s ON s.id = recent.service_id ORDER BY s.name, s.id
"""


@dataclass(frozen=True)
class Choices:
    """``unlisted`` is the number of a service that is asked for and stands in no recent order, None without one."""

    services: Mapping[int, str]
    platforms: Mapping[str, str | Promise]
    periods: Mapping[str, str | Promise]
    unlisted: int | None


def choices_for(customer: User, search: Search) -> Choices:
    """Return the services and platforms of the customer's newest orders, in two queries at most, and every period."""
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, {"customer": customer.pk, "orders": _LOOKED_THROUGH, "most": _MOST})
        rows = cursor.fetchall()
    shown = texts_in(get_language() or "", Service, "name", [number for number, _name, _platform in rows])
    services = {number: shown.get(number, name) for number, name, _platform in rows}
    slugs = {platform for _number, _name, platform in rows} | {search.platform}
    platforms: dict[str, str | Promise] = {slug: p.name for slug, p in BY_SLUG.items() if slug in slugs}
    if slugs - {""} - BY_SLUG.keys():
        platforms["other"] = _("Other")
    unlisted = None if search.service in services else search.service
    return Choices(services, platforms, {name: period.label for name, period in PERIODS.items()}, unlisted)
