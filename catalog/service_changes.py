"""Records what customers notice as service updates: services that come and go, prices that rise and fall."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from catalog.models import Category, ChangeKind, Service, ServiceChange

#: Days after which service updates are deleted.
UPDATES_DAYS = 180

_STATE = """
    SELECT s.id, s.price, p.unit, s.id IN ({on_sale}) AS sells FROM catalog_service AS s
    JOIN catalog_providerservice AS p ON p.id = s.source_id WHERE {which} = ANY(%s)
"""
# after: the services as they are now, with whether each is on sale; materialized, or Postgres would find out what is on
# sale for each mention of it. The insert compares it with the same rows of before, kept in a temporary table. A price
# per package is never compared with one per 1,000: a service that changed its unit is new.
_INSERT = f"""
    WITH after AS MATERIALIZED ({{state}})
    INSERT INTO catalog_servicechange (service_id, kind, old_price, new_price, unit, at)
    SELECT after.id,
           CASE WHEN NOT after.sells THEN '{ChangeKind.GONE.value}'
                WHEN before.sells AND before.unit <> after.unit THEN '{ChangeKind.NEW.value}'
                WHEN before.sells AND after.price > before.price THEN '{ChangeKind.DEARER.value}'
                WHEN before.sells THEN '{ChangeKind.CHEAPER.value}'
                WHEN EXISTS (SELECT 1 FROM catalog_servicechange AS c WHERE c.service_id = after.id)
                    THEN '{ChangeKind.BACK.value}'
                ELSE '{ChangeKind.NEW.value}' END,
           CASE WHEN before.sells AND (before.unit = after.unit OR NOT after.sells) THEN before.price END,
           CASE WHEN after.sells THEN after.price END,
           CASE WHEN after.sells THEN after.unit ELSE before.unit END,
           %s
    FROM after LEFT JOIN catalog_before AS before USING (id)
    WHERE after.sells IS DISTINCT FROM coalesce(before.sells, false)
       OR (after.sells AND (after.price, after.unit) IS DISTINCT FROM (before.price, before.unit))
    ORDER BY after.id
"""  # noqa: S608 (constants of our own)


@contextmanager
def recording_changes(provider_ids: Iterable[int], *, now: datetime) -> Iterator[None]:
    """Record how the services of these providers differ after the block, inside the caller's transaction."""
    ids = list(provider_ids)
    with _compared(Service.objects.on_sale(), "p.provider_id", ids, now):
        yield


@contextmanager
def recording_changes_of(service_ids: Iterable[int], *, now: datetime) -> Iterator[None]:
    """Record how these services differ after the block, without reading any others."""
    ids = list(service_ids)
    with _compared(Service.objects.on_sale().filter(pk__in=ids), "s.id", ids, now):
        yield


@contextmanager
def recording_as_one(
    service_ids: Iterable[int], kind: ChangeKind, *, now: datetime, category: Category | None, percent: Decimal | None
) -> Iterator[None]:
    """Record what the block does to these services as one update that counts them, inside the caller's transaction.

    ``kind`` is NEW, which counts the services that come on sale, DEARER or CHEAPER. ``percent`` is about how much.
    """
    selling = Service.objects.on_sale().filter(pk__in=list(service_ids))
    before = dict(selling.values_list("pk", "price"))
    yield
    after = dict(selling.values_list("pk", "price"))
    if kind == ChangeKind.NEW:
        count = len(after.keys() - before.keys())
    else:
        count = sum(price != before[pk] for pk, price in after.items() if pk in before)
    if count:
        ServiceChange.objects.create(kind=kind, count=count, category=category, percent=percent, at=now)


@contextmanager
def _compared(on_sale: QuerySet[Service], which: str, ids: list[int], now: datetime) -> Iterator[None]:
    """Compare the services whose column ``which`` is among ``ids`` before and after the block."""
    on_sale_sql, params = on_sale.order_by().values("pk").query.sql_with_params()
    state = _STATE.format(on_sale=on_sale_sql, which=which)
    with connection.cursor() as cursor:
        # Compiling the comparison takes Postgres a second, running it a tenth of one.
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.catalog_before")
        cursor.execute(f"CREATE TEMPORARY TABLE catalog_before ON COMMIT DROP AS {state}", [*params, ids])
    yield
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(state=state), [*params, ids, now])


def forget_old(*, now: datetime) -> int:
    """Delete service updates older than UPDATES_DAYS; return how many there were."""
    deleted, _by_model = ServiceChange.objects.filter(at__lt=now - timedelta(days=UPDATES_DAYS)).delete()
    return deleted
