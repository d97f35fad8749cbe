"""The store of counters: attempts to sign in, codes that were used, figures that are measured now and then."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connection
from django.utils import timezone

#: Rows deleted by one statement, so that none holds locks for long.
BATCH = 5_000

_INSERT = "INSERT INTO core_cache AS row (cache_key, value, expires) VALUES (%(key)s, %(value)s, %(expires)s)"
_REPLACE = "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
_READ = "SELECT cache_key, value FROM core_cache WHERE cache_key = ANY (%s) AND expires >= %s"
_WRITE = {
    "set": f"{_INSERT} {_REPLACE}",
    # No JSON begins as pickles do in base64.
    "add": f"{_INSERT} {_REPLACE} WHERE row.expires < %(now)s OR starts_with(row.value, 'gA')",
    "touch": "UPDATE core_cache SET expires = %(expires)s WHERE cache_key = %(key)s",
}


class CounterCache(DatabaseCache):
    """Django's database cache that keeps every row until it expires.

    Django's own deletes a third of all rows, live ones too, as soon as there are more than MAX_ENTRIES (300): whoever
    fills it resets every sign-in limit. A higher number would only make that dearer, and each write counts the whole
    table first. Here a write is one statement, and :func:`delete_expired` keeps the table small. An error of the
    database is raised instead of swallowed: an attempt that is not counted is one more guess.

    Values are kept as JSON, so numbers, strings, lists and None: Django's own are pickles, with which whoever writes
    into this table would run code in every process of the shop. Anything else is a TypeError. A row that is no JSON,
    such as a pickle of an earlier release, is treated as absent, and replaced.
    """

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """Return the values that have not expired, each with its key."""
        asked = {self.make_and_validate_key(key, version=version): key for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(_READ, [list(asked), timezone.now()])
            rows = cursor.fetchall()
        found = {}
        for key, text in rows:
            with suppress(json.JSONDecodeError):
                found[asked[key]] = json.loads(text)
        return found

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        until = self.get_backend_timeout(timeout)
        row: dict[str, Any] = {
            "key": key,
            "value": json.dumps(value),
            "expires": datetime.max.replace(tzinfo=UTC) if until is None else datetime.fromtimestamp(until, UTC),
            "now": timezone.now(),
        }
        with connection.cursor() as cursor:
            cursor.execute(_WRITE[mode], row)
            return cursor.rowcount == 1


def delete_expired(*, now: datetime) -> int:
    """Delete the rows that have expired, BATCH at a time; return how many."""
    deleted = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "DELETE FROM core_cache WHERE cache_key IN (SELECT cache_key FROM core_cache WHERE expires < %s"
                " ORDER BY expires LIMIT %s FOR UPDATE SKIP LOCKED)",
                [now, BATCH],
            )
            deleted += cursor.rowcount
            if cursor.rowcount < BATCH:
                return deleted
