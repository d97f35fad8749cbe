"""The database put back to how an example begins, in milliseconds, and to how it was at a moment, as from a dump."""

from typing import Any

import psycopg

_TABLES = """
    SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    AND c.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission', 'cache') ORDER BY 1
"""


class Fresh:
    """Copies of every table, kept in the schema of the turned clock. Triggers and foreign keys sleep meanwhile."""

    def __init__(self, session: "psycopg.Connection[Any]") -> None:
        self._session = session
        self._tables = [row[0] for row in session.execute(_TABLES).fetchall()]

    def keep(self, name: str) -> None:
        """Remember everything under ``name``, forgetting what it stood for before."""
        self._all('DROP TABLE IF EXISTS turned."{name}_{table}"', name)
        self._all('CREATE TABLE turned."{name}_{table}" AS TABLE public."{table}"', name)

    def put_back(self, name: str) -> None:
        """Everything as it was kept, but for what sequences gave out."""
        with self._session.transaction():
            self._session.execute("SET LOCAL session_replication_role = replica")
            self._all('DELETE FROM public."{table}"', name)
            self._all('INSERT INTO public."{table}" SELECT * FROM turned."{name}_{table}"', name)

    def _all(self, statement: str, name: str) -> None:
        self._session.execute(";".join(statement.format(table=t, name=name) for t in self._tables))
