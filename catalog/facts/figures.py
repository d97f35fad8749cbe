"""Adds the days of services up to the figures that lists show: one row for each service."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection

from catalog.facts.histogram import size, within
from core.rowset import rowset

#: Under so many orders there is no figure, rather than a weak one.
ENOUGH = 20
WEEK, MONTH = 7, 30
#: Services whose days are added up at once.
BATCH = 1_000

#: What is timed, by the column of a day and the columns of the figures.
_TIMES = {"start_times": "starts", "thousand_times": "takes"}
_SUM = " UNION ALL ".join(
    f"""
    SELECT d.service_id, '{name}', t.key::int, coalesce(sum(t.value::int) FILTER (WHERE d.day > %(week)s), 0)::int,
           sum(t.value::int)::int
    FROM catalog_serviceday d, jsonb_each_text(d.{column}) t
    WHERE d.day > %(month)s AND d.day <= %(today)s AND d.service_id = ANY(%(services)s)
    GROUP BY d.service_id, t.key
    """  # noqa: S608 - names of columns
    for column, name in _TIMES.items()
)

_COLUMNS = {
    "starts_in": "int", "starts_orders": "int", "starts_days": "smallint", "takes": "int", "takes_orders": "int",
    "takes_days": "smallint",
}  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
# Rows that stay the same are not written.
_WRITE = f"""
    INSERT INTO catalog_servicefigures AS f (service_id, {_NAMES})
    SELECT v.service_id, {", ".join(f"v.{name}" for name in _COLUMNS)}
    FROM json_to_recordset(%s) AS v(service_id bigint, {", ".join(f"{n} {kind}" for n, kind in _COLUMNS.items())})
    ORDER BY v.service_id
    ON CONFLICT (service_id) DO UPDATE SET ({_NAMES}) = ({", ".join(f"EXCLUDED.{name}" for name in _COLUMNS)})
    WHERE ({", ".join(f"f.{name}" for name in _COLUMNS)}) IS DISTINCT FROM
          ({", ".join(f"EXCLUDED.{name}" for name in _COLUMNS)})
"""  # noqa: S608 - names of columns


def figure(times_of_week: dict[int, int], times_of_month: dict[int, int]) -> tuple[int | None, int, int]:
    """Return the median in seconds, how many were measured, and in how many days.

    Of the last 7 days if they hold enough orders, else of 30; the median is None if those hold too few as well.
    """
    if (n := size(times_of_week)) >= ENOUGH:
        return within(times_of_week, 5), n, WEEK
    n = size(times_of_month)
    return within(times_of_month, 5) if n >= ENOUGH else None, n, MONTH


def write_figures(services: Sequence[int], *, today: date) -> None:
    """Bring the figures of these services up to ``today``, the last day that counts. In the caller's transaction."""
    for start in range(0, len(services), BATCH):
        _write_batch(services[start : start + BATCH], today)


def _write_batch(services: Sequence[int], today: date) -> None:
    since = {"today": today, "week": today - timedelta(days=WEEK), "month": today - timedelta(days=MONTH)}
    times: dict[tuple[int, str], tuple[dict[int, int], dict[int, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SUM, {**since, "services": list(services)})
        for service_id, name, step, in_week, in_month in cursor.fetchall():
            week, month = times.setdefault((service_id, name), ({}, {}))
            week[step], month[step] = in_week, in_month
        rows: list[dict[str, Any]] = []
        for service_id in services:
            starts = figure(*times.get((service_id, "starts"), ({}, {})))
            takes = figure(*times.get((service_id, "takes"), ({}, {})))
            rows.append({"service_id": service_id, **dict(zip(_COLUMNS, (*starts, *takes), strict=True))})
        cursor.execute(_WRITE, [rowset(rows)])


def services_with_figures() -> list[int]:
    """Return the services that have a row of figures, and those that will get one from the days that count."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT service_id FROM catalog_servicefigures UNION SELECT service_id FROM catalog_serviceday ORDER BY 1"
        )
        return [pk for (pk,) in cursor.fetchall()]


def publish_times() -> None:
    """Let the API say from now on what the figures say now. In the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_servicefigures SET average_time = takes WHERE average_time IS DISTINCT FROM takes"
        )
