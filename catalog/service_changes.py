"""Writes down what customers notice: services that come and go, prices that move."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from catalog.models import Service, ServiceChange

#: Days after which service updates are deleted.
UPDATES_DAYS = 180

_STATE = """
    SELECT s.id, s.price, s.id IN ({on_sale}) AS sells FROM catalog_service AS s
    JOIN catalog_providerservice AS p ON p.id = s.source_id WHERE {which} = ANY(%s)
"""
# Materialized, or what is on sale would be worked out anew for each mention of it.
_NOTE = """
    WITH after AS MATERIALIZED ({state})
    INSERT INTO catalog_servicechange (service_id, kind, old_price, new_price, at)
    SELECT after.id,
           CASE WHEN NOT after.sells THEN 'gone'
                WHEN before.sells AND after.price > before.price THEN 'dearer'
                WHEN before.sells THEN 'cheaper'
                WHEN EXISTS (SELECT 1 FROM catalog_servicechange AS c WHERE c.service_id = after.id) THEN 'back'
                ELSE 'new' END,
           CASE WHEN before.sells THEN before.price END,
           CASE WHEN after.sells THEN after.price END,
           %s
    FROM after LEFT JOIN catalog_before AS before USING (id)
    WHERE after.sells IS DISTINCT FROM coalesce(before.sells, false)
       OR (after.sells AND after.price IS DISTINCT FROM before.price)
    ORDER BY after.id
"""


@contextmanager
def recording_changes(provider_ids: Iterable[int], *, now: datetime) -> Iterator[None]:
    """Write down how services of these providers differ after the block, inside the caller's transaction."""
    ids = list(provider_ids)
    with _compared(Service.objects.on_sale(), "p.provider_id", ids, now):
        yield


@contextmanager
def recording_changes_of(service_ids: Iterable[int], *, now: datetime) -> Iterator[None]:
    """The same for a few services that are known beforehand, without a look at all others."""
    ids = list(service_ids)
    with _compared(Service.objects.on_sale().filter(pk__in=ids), "s.id", ids, now):
        yield


@contextmanager
def _compared(selling: QuerySet[Service], which: str, ids: list[int], now: datetime) -> Iterator[None]:
    on_sale, params = selling.order_by().values("pk").query.sql_with_params()
    state = _STATE.format(on_sale=on_sale, which=which)
    with connection.cursor() as cursor:
        # Compiling the comparison takes Postgres a second, running it a tenth of one.
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.catalog_before")
        cursor.execute(f"CREATE TEMPORARY TABLE catalog_before ON COMMIT DROP AS {state}", [*params, ids])
    yield
    with connection.cursor() as cursor:
        cursor.execute(_NOTE.format(state=state), [*params, ids, now])


def forget_old(*, now: datetime) -> int:
    """Delete what is older than the shop keeps updates; how many there were."""
    deleted, _by_model = ServiceChange.objects.filter(at__lt=now - timedelta(days=UPDATES_DAYS)).delete()
    return deleted
