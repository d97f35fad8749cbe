"""Writes many rows at once by COPY, which takes thousands of rows in the time of a few inserts."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from django.db import connection


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Disable the cyclic garbage collector inside the block.

    Rows of a list hold no cycles and live until the end: scanning them again and again is a tenth of the work.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY ``rows`` into ``table``. Table and column names come from the caller, never from outside."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in chain((first,), rows):
            copy.write_row(row)


def stage_rows(name: str, like: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY ``rows`` into a temporary table ``name`` with columns as in ``like``, dropped with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT {', '.join(columns)} FROM {like} WITH NO DATA"  # noqa: S608
        )
    copy_rows(name, columns, rows)


def new_ids(table: str, count: int) -> list[int]:
    """Return ``count`` new ids for rows to be copied into ``table``, in ascending order."""
    if not count:
        return []
    with connection.cursor() as cursor:
        # One look-up of the sequence's name, and all ids as one value: either takes longer than the counting itself.
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        (sequence,) = cursor.fetchone()
        cursor.execute("SELECT array_agg(nextval(%s::regclass)) FROM generate_series(1, %s)", [sequence, count])
        return sorted(cursor.fetchone()[0])


def refresh_statistics() -> None:
    """Refresh the planner's statistics of the catalog's tables.

    Until autovacuum does so, a minute later or more, Postgres plans for the empty tables of before and joins thousands
    of services row by row: the price list would take minutes.
    """
    # A function of the tables' owner: for the shop's own role Postgres would skip the ANALYZE, with a mere warning. It
    # reads only columns that rows are joined and filtered by: texts and raw rows are most of the work, and no plan
    # depends on them. A sample of a few thousand rows is enough until autovacuum takes its own, larger one.
    with connection.cursor() as cursor:
        cursor.execute("SELECT catalog_refresh_statistics()")
