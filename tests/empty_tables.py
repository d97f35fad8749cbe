"""Empty the database after a test that committed, for less than Django's flush costs.

Flush truncates every table, which their guards refuse, and creates content types and permissions again, which takes
longer than most tests do.
"""

from functools import cache

from django.conf import settings
from django.db import connection

from tests.roles import unguarded

#: Filled by migrations. The shop's settings are put back as they were remembered.
KEPT = {"django_content_type", "auth_permission", "core_shopsettings"}
#: Above this size of one table, in bytes, its deleted rows would slow down the tests that follow.
LARGE = 4_000_000


_settings: list[str] = []


def remember_settings() -> None:
    """Take the settings of the shop as those that every test begins with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(s)::text FROM core_shopsettings s")
        _settings[:] = [row for (row,) in cursor.fetchall()]


def _put_settings_back() -> None:
    again = "INSERT INTO core_shopsettings SELECT (jsonb_populate_record(NULL::core_shopsettings, %s::jsonb)).*"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_shopsettings")
        cursor.executemany(again, [[row] for row in _settings])


def delete_rows() -> None:
    """Delete the rows of every table but KEPT; truncate instead where they are many."""
    with unguarded(), connection.cursor() as cursor:
        # The lock waits for sessions that a test has left behind, as a flush does. Without triggers nothing forbids to
        # delete, and the order of the tables does not matter.
        cursor.execute(f"LOCK TABLE {', '.join(_tables())}")
        cursor.execute(
            "SELECT max(pg_relation_size(name::regclass)) < %s FROM unnest(%s::text[]) AS name",
            [LARGE, list(_tables())],
        )
        [is_cheap] = cursor.fetchone()
        if is_cheap:
            cursor.execute("; ".join(f"DELETE FROM {name}" for name in _tables()))
        else:
            cursor.execute(f"TRUNCATE {', '.join(_tables())}")
        _put_settings_back()


@cache
def _tables() -> tuple[str, ...]:
    # The cache counts sign-ups and the like for each network, and all tests come from one.
    counters = settings.CACHES["default"]["LOCATION"]
    names = sorted({*connection.introspection.django_table_names(), counters} - KEPT)
    return tuple(map(connection.ops.quote_name, names))
