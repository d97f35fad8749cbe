"""The measure of locks sees one, and knows what it is about."""

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from storefront.embedded.postgres import SUPERUSER
from tests.orders.cast import until
from tests.roles import superuser_session
from tools.migration_locks import watched

_WAITS = "SELECT 1 FROM pg_locks WHERE relation = 'core_shopsettings'::regclass AND NOT granted"


@pytest.mark.django_db(transaction=True)
def test_a_lock_on_a_table_is_seen_as_a_wait_for_it() -> None:
    given = connection.get_connection_params()
    address = make_conninfo(host=given["host"], dbname=given["dbname"], user=SUPERUSER)
    with superuser_session() as locking, superuser_session(autocommit=True) as looking:
        with watched(address) as waits:
            locking.execute("LOCK TABLE core_shopsettings")
            until(lambda: looking.execute(_WAITS).fetchone() is not None)
            locking.rollback()
        assert waits.longest["core_shopsettings"] == max(waits.longest.values())
