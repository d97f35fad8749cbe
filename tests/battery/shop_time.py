"""A clock of the shop that a test turns: Postgres' own, moved on by a row, and the provider's moved on with it.

The shop reads one clock, the database's statement time. A function of that name in a schema of its own, before the
system's in the search path of every session, is therefore all it takes, and no line of the shop knows of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from storefront.embedded.postgres import SHOP_ROLE
from tests.roles import superuser_session
from upstream.simulator import Simulator

_CREATE = f"""
    DROP SCHEMA IF EXISTS turned CASCADE;
    CREATE SCHEMA turned;
    CREATE TABLE turned.clock (ahead interval NOT NULL);
    INSERT INTO turned.clock VALUES ('0');
    CREATE FUNCTION turned.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT pg_catalog.statement_timestamp() + (SELECT ahead FROM turned.clock)
    $$;
    GRANT USAGE ON SCHEMA turned TO {SHOP_ROLE};
    GRANT SELECT ON turned.clock TO {SHOP_ROLE};
"""
_PATH = "-c search_path=turned,pg_catalog,public"


class ShopTime:
    """Moves the shop and its providers on together. ``session`` is one of the test's own, in autocommit."""

    def __init__(self, session: "psycopg.Connection[Any]") -> None:
        self.session = session
        self.providers: list[Simulator] = []
        self.ahead = 0.0
        self.moved: Callable[[float], None] = lambda seconds: None

    def advance(self, seconds: float) -> None:
        """So much time goes by for everybody."""
        self.session.execute("UPDATE turned.clock SET ahead = ahead + make_interval(secs => %s)", [seconds])
        self.ahead += seconds
        for provider in self.providers:
            provider.clock_offset += seconds
        self.moved(seconds)

    def back_to_now(self) -> None:
        self.session.execute("UPDATE turned.clock SET ahead = '0'")
        self.ahead = 0.0


@contextmanager
def turned_clock() -> Iterator[ShopTime]:
    """While the block runs, every session of this process that Django's settings open reads the turned clock."""
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    before = options.get("options")
    options["options"] = _PATH
    connection.close()
    try:
        with superuser_session(autocommit=True) as session:
            session.execute(_CREATE)
            try:
                yield ShopTime(session)
            finally:
                connection.close()
                session.execute("DROP SCHEMA turned CASCADE")
    finally:
        options.pop("options")
        if before is not None:
            options["options"] = before
