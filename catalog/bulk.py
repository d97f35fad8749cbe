"""Many rows at once: COPY, which takes thousands of rows in the time of a few inserts."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from django.db import connection


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY ``rows`` into ``table``. Table and column names are the caller's own, never from outside."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in chain((first,), rows):
            copy.write_row(row)


def stage_rows(name: str, like: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Put ``rows`` into a temporary table ``name`` with columns as in ``like``; it ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT {', '.join(columns)} FROM {like} WITH NO DATA"  # noqa: S608
        )
    copy_rows(name, columns, rows)


def new_ids(table: str, count: int) -> list[int]:
    """Ids for rows that are about to be copied in, in ascending order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return sorted(row[0] for row in cursor.fetchall())


def refresh_statistics() -> None:
    """Tell Postgres what the catalog's tables hold now.

    Until its own housekeeping comes round, a minute later or more, it plans for the empty tables of before, and joins
    thousands of services row by row: the price list would not come back for minutes.
    """
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_providerservice, catalog_service, catalog_category")
