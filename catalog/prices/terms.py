"""Everything in the catalog that an order depends on, read in one statement together with a version number.

The version is a hash of what was read. The statement that writes an order compares it, so that a price, a cost or a
switch that changed in between is noticed in the same snapshot.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models

from accounts.models import CustomerGroup
from catalog.models import Category, CustomerPrice, Provider, ProviderService, Service
from catalog.prices.customer_prices import own_price
from catalog.prices.group_prices import group_price

# Each in the order of the model's columns, as `Model.from_db` reads them.
_SERVICE = (
    "id", "source_id", "fallback_id", "category_id", "name", "platform", "min", "max", "price", "own_price",
    "price_factor", "is_visible", "own_refill_days", "own_refill_opens_hours", "own_same_link",
)  # fmt: skip
_ROW = (
    "id", "provider_id", "external_id", "type", "unit", "rate", "held_rate", "min", "max", "refill", "cancel",
    "dripfeed", "refill_days", "refill_opens_hours", "codes", "quarantine", "vanished_at",
)  # fmt: skip
_PROVIDER = (
    "id", "name", "currency", "exchange_rate", "markup_percent", "can_refill", "can_cancel", "same_link", "is_active",
    "sale_stopped", "parked_at",
)  # fmt: skip
_GROUP = ("id", "percent")
_PARTS: tuple[tuple[str, type[models.Model], tuple[str, ...]], ...] = (
    ("s", Service, _SERVICE),
    ("r", ProviderService, _ROW),
    ("p", Provider, _PROVIDER),
    ("f", ProviderService, _ROW),
    ("q", Provider, _PROVIDER),
    ("g", CustomerGroup, _GROUP),
    ("c", Category, ("id", "name", "is_visible")),
    ("a", CustomerPrice, ("id", "price")),
    ("b", CustomerPrice, ("id", "percent")),
)
_COLUMNS = ", ".join(f"{alias}.{name}" for alias, _model, names in _PARTS for name in names)
# A fingerprint of the markup rules: each write of a row gives it a new xmin and ctid, so the sum changes with each.
_RULES = """
    CASE WHEN g.id IS NOT NULL THEN
        (SELECT (count(*), sum(hashtidextended(m.ctid, m.xmin::text::bigint)))::text FROM catalog_markuprule m)
    END
"""
_VERSION = f"hash_record_extended(ROW({_COLUMNS}, {_RULES}), 0)"
# s: the service; c: its category; r, p: its source with the provider; f, q: its fallback with the provider; u, g: the
# customer with the group; a, b: the customer's own price of the service, and percentage of its category. Outer joins
# with no condition but keys, so that every plan begins at one service, whatever the statistics say. `_is_on_sale`
# checks the columns that `ServiceQuerySet.on_sale` filters by.
_FROM = """
    FROM catalog_service s
    LEFT JOIN catalog_category c ON c.id = s.category_id
    LEFT JOIN catalog_providerservice r ON r.id = s.source_id
    LEFT JOIN catalog_provider p ON p.id = r.provider_id
    LEFT JOIN catalog_providerservice f ON f.id = s.fallback_id
    LEFT JOIN catalog_provider q ON q.id = f.provider_id
    LEFT JOIN accounts_user u ON u.id = {customer}
    LEFT JOIN accounts_customergroup g ON g.id = u.group_id
    LEFT JOIN catalog_customerprice a ON a.customer_id = u.id AND a.service_id = s.id
        AND (a.ends_at IS NULL OR a.ends_at > statement_timestamp())
    LEFT JOIN catalog_customerprice b ON b.customer_id = u.id AND b.category_id = s.category_id
        AND (b.ends_at IS NULL OR b.ends_at > statement_timestamp())
    WHERE s.id = {service}
"""


#: The service's id as an expression, where it is a value.
SERVICE = "%(service)s::bigint"


def terms_sql(customer: str, service: str = SERVICE) -> str:
    """Return SQL that selects one row for a service, or none.

    ``customer`` is an SQL expression of the customer's id, or of NULL for a visitor; ``service`` one of the service's.
    """
    found = _FROM.format(customer=customer, service=service)
    return f"SELECT {_COLUMNS}, {_RULES}, {_VERSION} {found}"  # noqa: S608 - our own words


def version_sql(customer: str, service: str = SERVICE) -> str:
    """Return SQL that selects only the version of the row that :func:`terms_sql` selects."""
    found = _FROM.format(customer=customer, service=service)
    return f"SELECT {_VERSION} AS version {found}"  # noqa: S608 - our own words


#: Recently read rows and the terms made of them, by version: in most shops a few services sell most.
_known: dict[int | None, tuple[Sequence[Any], "Terms | None"]] = {}
#: The newest of these terms, by service, group, and the customer if it is one with an own price.
_last: dict[tuple[int, int | None, int | None], "Terms | None"] = {}
_MOST_KNOWN = 1000
_AT = {
    alias: sum(len(names) for _alias, _model, names in _PARTS[:n]) for n, (alias, _model, _names) in enumerate(_PARTS)
}

#: How many columns :func:`terms_sql` selects.
WIDTH = sum(len(names) for _alias, _model, names in _PARTS) + 2


@dataclass(frozen=True)
class Terms:
    """A service on sale with source and fallback, and its price for one customer; ``version`` is the hash of it all."""

    service: Service
    price: Decimal | None
    version: str


def terms_of(row: Sequence[Any]) -> Terms | None:
    """Return the terms in a row of :func:`terms_sql`, None if the service is not on sale.

    Markup rules are read once per change of them.
    """
    if row[0] is None:
        return None
    found: list[Any] = []
    at = 0
    for _alias, model, names in _PARTS:
        values = row[at : at + len(names)]
        at += len(names)
        found.append(model.from_db("default", names, values) if values[0] is not None else None)
    service, source, provider, other, other_provider, group, category, fixed, reduced = found
    for row_of_list in (source, other):
        if row_of_list is not None and isinstance(row_of_list.codes, str):
            row_of_list.codes = json.loads(row_of_list.codes)  # the statement went past Django's conversion
    source.provider, service.source, service.category = provider, source, category
    if not _is_on_sale(service):
        return None
    if other is not None:
        other.provider = other_provider
    service.fallback = other
    rules, version = row[at], row[at + 1]
    price = own_price(service, fixed and fixed.price, reduced and reduced.percent)
    if price is None:
        price = group_price(service, group, rules) if group else service.price
    return Terms(service, price, str(version))


def known_terms(row: Sequence[Any], customer_id: int | None) -> Terms | None:
    """Return the terms in ``row`` from a cache: one shared object for equal columns, rules and version.

    Read it only, and only the columns of this module: each other one would cost a query.
    """
    row = row[:WIDTH]
    seen, terms = _known.get(row[-1], ((), None))
    if seen != row:
        terms = terms_of(row)
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
            _last.clear()
        _known[row[-1]] = row, terms
    if row[0] is not None:
        is_own = row[_AT["a"]] is not None or row[_AT["b"]] is not None
        if not is_own:
            _last.pop((row[0], row[_AT["g"]], customer_id), None)
        _last[row[0], row[_AT["g"]], customer_id if is_own else None] = terms
    return terms


def last_terms(service_id: int, group_id: int | None, customer_id: int) -> Terms | None:
    """Return the newest terms that :func:`known_terms` returned for this service and customer or group, if any.

    They may be out of date, so the caller's statement must compare the version.
    """
    return _last.get((service_id, group_id, customer_id)) or _last.get((service_id, group_id, None))


def _is_on_sale(service: Service) -> bool:
    source = service.source
    is_shown = service.is_visible and service.category.is_visible and service.price is not None and service.price > 0
    is_listed = source.vanished_at is None and not source.quarantine
    return is_shown and is_listed and source.provider.is_selling
