"""Empty the database after a test that committed, for less than Django's flush costs.

Flush truncates every table, which their guards refuse, and creates content types and permissions again, which takes
longer than most tests do.
"""

from functools import cache

from django.db import connection

from tests.roles import unguarded

#: Filled by migrations. A test that changes the shop's settings puts them back.
KEPT = {"django_content_type", "auth_permission", "core_shopsettings"}
#: Above this size of one table, in bytes, its deleted rows would slow down the tests that follow.
LARGE = 4_000_000


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


@cache
def _tables() -> tuple[str, ...]:
    names = sorted({*connection.introspection.django_table_names()} - KEPT)
    return tuple(map(connection.ops.quote_name, names))
