"""The store of counters: attempts to sign in, codes that were used, figures that are measured now and then."""

import base64
import pickle
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
_WRITE = {
    "set": f"{_INSERT} {_REPLACE}",
    "add": f"{_INSERT} {_REPLACE} WHERE row.expires < %(now)s",
    "touch": "UPDATE core_cache SET expires = %(expires)s WHERE cache_key = %(key)s",
}


class CounterCache(DatabaseCache):
    """Django's database cache that keeps every row until it expires.

    Django's own deletes a third of all rows, live ones too, as soon as there are more than MAX_ENTRIES (300): whoever
    fills it resets every sign-in limit. A higher number would only make that dearer, and each write counts the whole
    table first. Here a write is one statement, and :func:`delete_expired` keeps the table small. An error of the
    database is raised instead of swallowed: an attempt that is not counted is one more guess.
    """

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        until = self.get_backend_timeout(timeout)
        row: dict[str, Any] = {
            "key": key,
            "value": base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii"),
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
