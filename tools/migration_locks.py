"""Apply the migrations that are due to a copy of a shop, and print how long each of them made writes wait.

    DATABASE_OWNER_URL=... python -m tools.migration_locks

The other settings come from the environment, too. While a migration runs, every table that has rows is locked again and
again as INSERT and UPDATE lock it, and so are its oldest and newest row. The longest wait is printed, and one of more
than a second fails.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

#: Seconds between two locks of one table.
_PAUSE = 0.05
#: Seconds that a write may wait.
_GOAL = 1.0
_TABLES = """
    SELECT c.relname, a.attname FROM pg_class c
    JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'django_migrations'
    ORDER BY c.relname
"""


@dataclass
class Waits:
    """The longest wait for each table, in seconds."""

    longest: dict[str, float] = field(default_factory=dict)

    def note(self, table: str, waited: float) -> None:
        self.longest[table] = max(waited, self.longest.get(table, 0.0))


def _write(address: str, table: str, column: str, keys: list[Any], waits: Waits, ended: threading.Event) -> None:
    lock = sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(sql.Identifier(table))
    rows = sql.SQL("SELECT FROM {} WHERE {} = ANY(%s) FOR NO KEY UPDATE").format(*map(sql.Identifier, (table, column)))
    with psycopg.connect(address) as c:
        while not ended.wait(_PAUSE):
            began = time.perf_counter()
            c.execute(lock)
            c.execute(rows, [keys])
            c.rollback()
            waits.note(table, time.perf_counter() - began)


@contextmanager
def watched(address: str) -> Iterator[Waits]:
    """Lock every table that has rows, as writes would, for the length of the ``with``."""
    waits, ended, writers = Waits(), threading.Event(), []
    ends = sql.SQL("SELECT min({0}), max({0}) FROM {1} HAVING min({0}) IS NOT NULL")
    with psycopg.connect(address) as c:
        for table, column in c.execute(_TABLES).fetchall():
            found = c.execute(ends.format(sql.Identifier(column), sql.Identifier(table))).fetchone()
            if found:
                given = (address, table, column, list(found), waits, ended)
                writers.append(threading.Thread(target=_write, args=given))
    for writer in writers:
        writer.start()
    try:
        yield waits
    finally:
        ended.set()
        for writer in writers:
            writer.join()


def main() -> int:
    import django
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    address = os.environ["DATABASE_OWNER_URL"]
    executor: Any = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    slow = 0
    for migration, _backwards in plan:
        with watched(address) as waits:
            began = time.perf_counter()
            call_command("migrate", migration.app_label, migration.name, verbosity=0)
            took = time.perf_counter() - began
        table, waited = max(waits.longest.items(), key=lambda found: found[1])
        slow += waited > _GOAL
        name = f"{migration.app_label}.{migration.name}"
        print(f"{name:<50} {took:7.2f} s, writes waited {waited:6.3f} s for {table}", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
