"""The two roles of the database: one owns the tables and migrates them, the shop's processes log in as the other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

#: Tables whose rows are written once: the shop's role may read them and add to them.
APPEND_ONLY = (
    "billing_document",
    "billing_documentpdf",
    "billing_firstbonus",
    "billing_signupcredit",
    "billing_topupevent",
    "billing_transferreview",
    "billing_transfer",
    "core_staffaction",
    "orders_balancereading",
    "orders_orderevent",
    "orders_providerentry",
    "orders_providerexchange",
    "orders_thawscan",
    "pages_termsacceptance",
    "pages_termsversion",
    "support_customernote",
    "support_ticketmessage",
)
#: Tables that only a migration or a trigger writes.
READ_ONLY = ("billing_hold", "billing_walletline", "django_migrations")
#: Tables of which the shop's role may change these columns alone; a trigger writes the others, as the owner.
CHANGEABLE = {"billing_account": ("name", "frozen_at")}
_OWN_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relowner = current_user::regrole
"""
_OWN_SEQUENCES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S' AND relowner = current_user::regrole
"""


@contextmanager
def as_owner() -> Iterator[None]:
    """Let the default connection log in as DATABASE_OWNER_URL says; where one role does everything, nothing changes."""
    if not settings.DATABASE_OWNER:
        yield
        return
    theirs = {key: settings.DATABASE_OWNER.get(key, "") for key in ("USER", "PASSWORD", "HOST", "PORT")}
    ours = {key: connection.settings_dict[key] for key in theirs}
    connection.close()
    connection.settings_dict.update(theirs)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(ours)


def grant_rights(role: str) -> None:
    """Give ``role`` its rights on all tables and sequences of the current role; a repeat changes nothing.

    In one transaction, so that a running shop never finds a right missing. A table made later has default rights until
    the next call. Functions need none: everybody may call them, but for the one that posts transfers as the owner.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OWN_TABLES)
        tables = sorted(name for (name,) in cursor.fetchall())
        cursor.execute(_OWN_SEQUENCES)
        sequences = sorted(name for (name,) in cursor.fetchall())
        cursor.execute("SELECT current_schema()")
        [schema] = cursor.fetchone()

        def run(statement: str, names: Sequence[str] | None = None, columns: Sequence[str] = ()) -> None:
            if names is not None and not names:
                return
            on = sql.SQL(", ").join(sql.Identifier(schema, name) for name in names or ())
            parts = {"on": on, "role": sql.Identifier(role), "schema": sql.Identifier(schema)}
            cursor.execute(sql.SQL(statement).format(**parts, columns=sql.SQL(", ").join(map(sql.Identifier, columns))))

        writable = [name for name in tables if name not in (*APPEND_ONLY, *READ_ONLY)]
        run("GRANT USAGE ON SCHEMA {schema} TO {role}")
        run("REVOKE ALL ON {on} FROM {role}", tables)
        run("GRANT SELECT ON {on} TO {role}", tables)
        run("GRANT INSERT ON {on} TO {role}", [name for name in tables if name not in READ_ONLY])
        run("GRANT DELETE ON {on} TO {role}", writable)
        run("GRANT UPDATE ON {on} TO {role}", [name for name in writable if name not in CHANGEABLE])
        for name in CHANGEABLE.keys() & set(writable):
            run("GRANT UPDATE ({columns}) ON {on} TO {role}", [name], CHANGEABLE[name])
        run("GRANT USAGE, SELECT ON {on} TO {role}", sequences)
        run("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")
        run("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}")
