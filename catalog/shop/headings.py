"""Which heading of the price list a provider's category stands under."""

from collections.abc import Iterable

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext as _

from catalog.models import Category
from catalog.texts import CATEGORY_LIMIT, one_line

#: A provider's category as listed -> the id and the name of our heading.
Headings = dict[str, tuple[int, str]]

_BY_SERVICES = """
    SELECT DISTINCT ON (p.category) p.category, c.id, c.name, count(*) AS services
    FROM catalog_providerservice AS p
    JOIN catalog_service AS s ON s.source_id = p.id AND NOT 'category' = ANY(s.pins)
    JOIN catalog_category AS c ON c.id = s.category_id
    WHERE p.provider_id = %s AND p.category = ANY(%s) AND p.product_before IS NULL
    GROUP BY p.category, c.id
    ORDER BY p.category, services DESC, c.id
"""
# Another provider's sync may add the same heading at the same moment; then both use the one row. In the order of names,
# or two syncs that add several headings could deadlock.
_INSERT = """
    INSERT INTO catalog_category (name, position, is_visible)
    SELECT name, place, true FROM unnest(%s::text[], %s::int[]) AS fresh (name, place) ORDER BY name
    ON CONFLICT DO NOTHING
"""


def headings_for(provider_id: int, categories: Iterable[str]) -> Headings:
    """Return the heading of each category as listed; missing ones are inserted, in the order given.

    A heading is found by the services under it first, by its name second, so that one the owner renamed keeps its
    services; a row that became another product does not count, since its service stands under the old one's. Call this
    before the provider's rows are changed, while their categories and headings still agree.
    """
    wanted = list(dict.fromkeys(categories))
    with connection.cursor() as cursor:
        cursor.execute(_BY_SERVICES, [provider_id, wanted])
        found: Headings = {category: (pk, name) for category, pk, name, _services in cursor.fetchall()}
    missing = {category: heading_name(category) for category in wanted if category not in found}
    by_name = _headings_named(list(dict.fromkeys(missing.values())))
    return found | {category: by_name[name] for category, name in missing.items()}


def heading_name(category: str) -> str:
    """Return the name of a new heading: "Other", in the shop's language, for services without a category."""
    name = one_line(category, CATEGORY_LIMIT)
    if name:
        return name
    with translation.override(settings.LANGUAGE_CODE):
        return _("Other")


def _headings_named(names: list[str]) -> Headings:
    """The headings of these names; missing ones are inserted."""
    if not names:
        return {}
    found = _existing(names)
    fresh = [name for name in names if name not in found]
    if not fresh:
        return found
    last = Category.objects.aggregate(last=Max("position"))["last"]
    start = 0 if last is None else last + 1
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [fresh, list(range(start, start + len(fresh)))])
    return found | _existing(fresh)


def _existing(names: list[str]) -> Headings:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, id FROM catalog_category WHERE name = ANY(%s)", [names])
        return {name: (pk, name) for name, pk in cursor.fetchall()}
