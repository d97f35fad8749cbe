"""Writes down what customers notice: services that come and go, prices that move."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from catalog.models import Service, ServiceChange

_STATE = """
    SELECT s.id, s.price, s.id IN ({on_sale}) AS sells FROM catalog_service AS s
    JOIN catalog_providerservice AS p ON p.id = s.source_id WHERE p.provider_id = ANY(%s)
"""
_NOTE = """
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
    FROM ({state}) AS after LEFT JOIN catalog_before AS before USING (id)
    WHERE after.sells IS DISTINCT FROM coalesce(before.sells, false)
       OR (after.sells AND after.price IS DISTINCT FROM before.price)
    ORDER BY after.id
"""


@contextmanager
def noted(provider_ids: Iterable[int], *, now: datetime) -> Iterator[None]:
    """Write down how services of these providers differ after the block, inside the caller's transaction."""
    ids = list(provider_ids)
    on_sale, params = Service.objects.on_sale().order_by().values("pk").query.sql_with_params()
    state = _STATE.format(on_sale=on_sale)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.catalog_before")
        cursor.execute(f"CREATE TEMPORARY TABLE catalog_before ON COMMIT DROP AS {state}", [*params, ids])
    yield
    with connection.cursor() as cursor:
        cursor.execute(_NOTE.format(state=state), [now, *params, ids])


def forget_old(*, now: datetime) -> int:
    """Delete what is older than the shop keeps updates; how many there were."""
    deleted, _by_model = ServiceChange.objects.filter(at__lt=now - timedelta(days=settings.UPDATES_DAYS)).delete()
    return deleted
