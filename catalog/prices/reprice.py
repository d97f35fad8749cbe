"""Prices of services already sold, after a rule, a markup or an exchange rate changed."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models.functions import Greatest

from catalog.bulk import gc_disabled
from catalog.locks import lock_all_providers, lock_provider
from catalog.models import Provider, Service
from catalog.prices.rulebook import Facts, RuleBook
from catalog.service_changes import recording_changes

_COLUMNS = ("pk", "category_id", "source__type", "source__provider_id")
#: Of two rates the higher one while the owner holds a fall back; GREATEST looks over what is null.
_RATE = Greatest("source__rate", "source__held_rate")


class Known(NamedTuple):
    """What stands published now, and what a price is made of."""

    facts: Facts
    price: Decimal | None
    rule_id: int | None


def reprice_provider(provider: Provider, *, now: datetime) -> int:
    """Publish new prices for the provider's services; how many changed."""
    with transaction.atomic(), gc_disabled():
        return _reprice([lock_provider(provider.pk)], now)


def reprice_all(*, now: datetime) -> int:
    """Publish the prices that the rules, as they now stand, make of everything; how many changed."""
    with transaction.atomic(), gc_disabled():
        return _reprice(lock_all_providers(), now)


def known_prices(**about: Any) -> Iterator[Known]:
    """The services ``about`` names, those in quarantine or hidden too: they stay off sale whatever their price."""
    rows = Service.objects.filter(**about).values_list(*_COLUMNS, _RATE, "own_price", "price", "price_rule_id")
    for *facts, price, rule_id in rows.iterator(chunk_size=5000):
        yield Known(Facts(*facts), price, rule_id)


def _reprice(providers: list[Provider], now: datetime) -> int:
    book = RuleBook.now(providers)
    changed = [
        (known.facts.service_id, *new)
        for known in known_prices(source__provider__in=providers)
        if (new := book.price(known.facts)) != (known.price, known.rule_id)
    ]
    if changed:
        with recording_changes([provider.pk for provider in providers], now=now):
            _write(changed)
    return len(changed)


def _write(prices: Iterable[tuple[int, Decimal | None, int | None]]) -> None:
    ids, amounts, rules = ([*column] for column in zip(*prices, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_service SET price = new.price, price_rule_id = new.rule"
            " FROM unnest(%s::bigint[], %s::numeric[], %s::bigint[]) AS new (id, price, rule)"
            " WHERE catalog_service.id = new.id",
            [ids, amounts, rules],
        )
