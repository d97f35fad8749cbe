"""Prices of everything a provider sells, after its markup or exchange rate changed."""

from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from catalog.locks import locked
from catalog.models import Provider, Service
from catalog.selling import price_at


def reprice_provider(provider: Provider, *, now: datetime) -> int:
    """Publish new prices for the provider's services in one statement; how many changed.

    The rates are those last heard, also of services in quarantine, which stay off sale whatever their price.
    """
    del now  # Prices have no history yet; callers say when all the same.
    with transaction.atomic():
        fresh = locked(provider.pk)
        held = Service.objects.filter(source__provider=provider).values_list("pk", "price", "source__rate")
        changed = {pk: price for pk, old, rate in held if (price := price_at(fresh, rate)) != old}
        _write(changed)
    return len(changed)


def _write(prices: dict[int, Decimal | None]) -> None:
    if not prices:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_service SET price = new.price"
            " FROM unnest(%s::bigint[], %s::numeric[]) AS new (id, price) WHERE catalog_service.id = new.id",
            [list(prices), list(prices.values())],
        )
