"""Prices of existing services, written again after a rule, a markup or an exchange rate changed."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models.functions import Greatest

from catalog.bulk import gc_disabled
from catalog.locks import lock_all_providers, lock_provider
from catalog.models import MarkupRule, Provider, Service
from catalog.prices.rulebook import Facts, RuleBook
from catalog.service_changes import recording_changes

_COLUMNS = ("pk", "category_id", "source__type", "source__provider_id")
#: The higher of two rates while the owner holds a fall back; GREATEST ignores NULL.
_RATE = Greatest("source__rate", "source__held_rate")
_WRITE = """
    UPDATE catalog_service SET price = new.price, price_rule_id = new.rule
    FROM unnest(%s::bigint[], %s::numeric[], %s::bigint[]) AS new (id, price, rule)
    WHERE catalog_service.id = new.id
"""


class StoredPrice(NamedTuple):
    """The published price of a service, the rule that made it, and the facts a new price is made of."""

    facts: Facts
    price: Decimal | None
    rule_id: int | None


class NewPrice(NamedTuple):
    """A price to be written, and the rule that makes it."""

    service_id: int
    price: Decimal | None
    rule_id: int | None


def reprice_provider(provider: Provider, *, now: datetime) -> int:
    """Publish new prices for the provider's services; return how many changed."""
    with transaction.atomic(), gc_disabled():
        return _reprice([lock_provider(provider.pk)], now)


def reprice_all(*, now: datetime) -> int:
    """Publish the prices of all services by the rules as they are now; return how many changed."""
    with transaction.atomic(), gc_disabled():
        return _reprice(lock_all_providers(), now)


def save_rule(rule: MarkupRule, *, now: datetime) -> int:
    """Save ``rule`` and reprice all services; return how many prices changed.

    Raises IntegrityError if another active rule is for the same thing.
    """
    with transaction.atomic():
        # Locked before the rule is written: a sync under way would otherwise finish with the old rules after us.
        lock_all_providers()
        rule.save()
        return reprice_all(now=now)


def delete_rules(rules: Iterable[MarkupRule], *, now: datetime) -> int:
    """Delete ``rules`` and reprice all services; return how many prices changed."""
    with transaction.atomic():
        lock_all_providers()
        MarkupRule.objects.filter(pk__in=[rule.pk for rule in rules]).delete()
        return reprice_all(now=now)


def stored_prices(**filters: Any) -> Iterator[StoredPrice]:
    """Yield the prices of the services that match, hidden and quarantined ones too: they stay off sale anyway."""
    rows = Service.objects.filter(**filters).values_list(
        *_COLUMNS, _RATE, "own_price", "price_factor", "price", "price_rule_id"
    )
    for *facts, price, rule_id in rows.iterator(chunk_size=5000):
        yield StoredPrice(Facts(*facts), price, rule_id)


def _reprice(providers: list[Provider], now: datetime) -> int:
    changed = changed_prices(providers)
    if changed:
        with recording_changes([provider.pk for provider in providers], now=now):
            write_prices(changed)
    return len(changed)


def changed_prices(providers: Iterable[Provider], **filters: Any) -> list[NewPrice]:
    """Return the prices that the rules, rates and adjustments of now make, where they differ from the stored ones."""
    book = RuleBook.now(providers)
    return [
        NewPrice(stored.facts.service_id, *new)
        for stored in stored_prices(**{"source__provider__in": providers, **filters})
        if (new := book.price(stored.facts)) != (stored.price, stored.rule_id)
    ]


def write_prices(prices: Iterable[NewPrice]) -> None:
    """Write these prices, and the rules that made them, inside the caller's transaction."""
    ids, new, rules = ([*column] for column in zip(*prices, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [ids, new, rules])
