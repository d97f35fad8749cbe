"""Which heading of the price list a provider's category stands under."""

from collections.abc import Iterable

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext as _

from catalog.models import Category
from catalog.shop.look_alikes import look_of
from catalog.texts import CATEGORY_LIMIT, readable

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
#: Another provider's sync may add a heading that looks the same at the same moment: one adds at a time.
_ADDING_LOCK = 1_347_570_011
_INSERT = """
    INSERT INTO catalog_category (name, position, is_visible)
    SELECT name, place, true FROM unnest(%s::text[], %s::int[]) AS fresh (name, place)
    ON CONFLICT DO NOTHING
"""


def headings_for(provider_id: int, categories: Iterable[str]) -> Headings:
    """Return the heading of each category as listed; missing ones are inserted, in the order given.

    A heading is found by the services under it first, by its name second, so that one the owner renamed keeps its
    services. Names that look the same are one heading (:func:`look_of`). A row that became another product does not
    count, since its service stands under the old one's. Call this before the provider's rows are changed, while their
    categories and headings still agree.
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
    name = readable(category, CATEGORY_LIMIT)
    if name:
        return name
    with translation.override(settings.LANGUAGE_CODE):
        return _("Other")


def _headings_named(names: list[str]) -> Headings:
    """The heading of each name: the one so called, else one that looks the same; missing ones are inserted."""
    if not names:
        return {}
    found, fresh = _existing(names)
    if not fresh:
        return found
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADDING_LOCK])
        found, fresh = _existing(names)
        last = Category.objects.aggregate(last=Max("position"))["last"]
        start = 0 if last is None else last + 1
        cursor.execute(_INSERT, [fresh, list(range(start, start + len(fresh)))])
    return _existing(names)[0]


def _existing(names: list[str]) -> tuple[Headings, list[str]]:
    """The headings that there are, by each of ``names``, and one name for each that is missing, in the order given."""
    by_name: Headings = {}
    by_look: Headings = {}
    for pk, name in Category.objects.order_by("position", "pk").values_list("pk", "name"):
        by_name[name] = (pk, name)
        by_look.setdefault(look_of(name), (pk, name))
    found: Headings = {}
    missing: dict[str, str] = {}
    for name in names:
        if heading := by_name.get(name) or by_look.get(look_of(name)):
            found[name] = heading
        else:
            missing.setdefault(look_of(name), name)
    return found, list(missing.values())
