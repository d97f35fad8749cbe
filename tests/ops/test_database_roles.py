"""The shop's processes log in as a role that may use the tables, and neither change them nor switch off a guard."""

import os
import subprocess
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import Error, connection, transaction

from orders import freezing
from storefront.database_roles import APPEND_ONLY, CHANGEABLE, READ_ONLY
from storefront.embedded.place import ServerPlace
from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE, SUPERUSER, Postgres
from tests.ops.tools import ROOT
from tests.roles import as_role

pytestmark = pytest.mark.django_db


def rights() -> dict[str, set[str]]:
    """Return what the shop's role may do with each table of the owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, r FROM pg_class c,
                   unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) r
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND has_table_privilege(c.oid, r)
            """
        )
        found: dict[str, set[str]] = {}
        for table, right in cursor.fetchall():
            found.setdefault(table, set()).add(right)
    return found


def test_the_shop_has_the_rights_it_needs_on_every_table_and_no_others() -> None:
    found = rights()
    with connection.cursor() as cursor:
        tables = {table.name for table in connection.introspection.get_table_list(cursor)}
    assert {*APPEND_ONLY, *READ_ONLY, *CHANGEABLE} <= tables
    wanted = {table: {"SELECT", "INSERT", "UPDATE", "DELETE"} for table in tables}
    wanted |= {table: {"SELECT", "INSERT"} for table in APPEND_ONLY}
    wanted |= {table: {"SELECT"} for table in READ_ONLY}
    wanted |= {table: {"SELECT", "INSERT", "DELETE"} for table in CHANGEABLE}
    assert found == wanted
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'billing_account'::regclass AND attnum > 0"
            " AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'UPDATE')"
        )
        assert {column for (column,) in cursor.fetchall()} == set(CHANGEABLE["billing_account"])


def test_every_append_only_table_is_on_the_list() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE p.proname ~ '_(append_only|is_final)$' AND tgtype & 16 > 0"  # 16: on UPDATE
        )
        assert {table for (table,) in cursor.fetchall()} == set(APPEND_ONLY)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE billing_transfer DISABLE TRIGGER ALL",
        "DROP TRIGGER billing_account_guard ON billing_account",
        "ALTER TABLE billing_account DROP CONSTRAINT wallet_never_negative",
        "TRUNCATE billing_transfer CASCADE",
        "UPDATE billing_transfer SET amount = 1",
        "UPDATE billing_account SET balance = 1",
        "INSERT INTO billing_hold (reference, wallet_id, charged) VALUES ('order:1', 1, 1)",
        "UPDATE billing_hold SET refunded = 0",
        "DELETE FROM billing_hold",
        "UPDATE billing_account SET lines = 0",
        "UPDATE billing_walletline SET balance = 0",
        "DROP TRIGGER billing_walletline_guard ON billing_walletline",
        "SELECT billing_transfer_post()",
        "SET session_replication_role = replica",
        "ALTER TABLE billing_account DISABLE TRIGGER billing_account_guard",
        "ALTER FUNCTION billing_transfer_post() RESET search_path",
        "DELETE FROM django_migrations",
        "CREATE TABLE mine (n int)",
        "CREATE OR REPLACE FUNCTION billing_transfer_is_final() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_the_shop_may_not(statement: str) -> None:
    with pytest.raises(Error) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)


def test_the_shop_still_sees_where_its_database_lives() -> None:
    assert all(freezing.home().split("/"))


def warnings() -> str:
    out = StringIO()
    call_command("audit", stdout=out)
    return "\n".join(line for line in out.getvalue().splitlines() if "warning" in line)


def test_the_audit_warns_of_a_shop_that_logs_in_with_too_much_power() -> None:
    assert warnings() == ""
    with as_role(OWNER_ROLE):
        assert f"{OWNER_ROLE}, which owns the tables" in warnings()
    with as_role(SUPERUSER):
        assert f"{SUPERUSER}, a superuser" in warnings()


@pytest.fixture
def old_shop(own_place: ServerPlace) -> Postgres:
    """A cluster in which the superuser has made everything, as every shop was before it had two roles."""
    postgres = own_place.postgres(durable=False)
    postgres.start()
    with psycopg.connect(postgres.url_of("postgres", SUPERUSER)) as c:
        c.execute(f"REASSIGN OWNED BY {OWNER_ROLE} TO {SUPERUSER}".encode())
        c.execute(
            "CREATE TABLE sold (id bigint GENERATED BY DEFAULT AS IDENTITY, n serial); INSERT INTO sold VALUES (1)"
        )
        c.execute("CREATE SEQUENCE counted; CREATE VIEW seen AS TABLE sold")
        c.execute("CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        c.execute("CREATE TRIGGER guarded BEFORE INSERT ON sold FOR EACH ROW EXECUTE FUNCTION guard()")
    return postgres


def owners(postgres: Postgres) -> set[str]:
    with psycopg.connect(postgres.url_of("postgres", SUPERUSER)) as c:
        rows = c.execute(
            "SELECT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " UNION SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " UNION SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
        )
        return {owner for (owner,) in rows}


def test_the_tables_of_an_old_demo_get_their_owner_at_its_next_start(old_shop: Postgres) -> None:
    assert owners(old_shop) == {SUPERUSER}
    old_shop.stop()
    old_shop.start()
    try:
        assert owners(old_shop) == {OWNER_ROLE}
    finally:
        old_shop.stop()


def test_the_script_for_containers_makes_the_roles_and_sets_their_passwords(old_shop: Postgres) -> None:
    env = {
        "PATH": f"{old_shop.program.path.parent}:{os.defpath}",
        "PGHOST": str(old_shop.run),
        "POSTGRES_USER": SUPERUSER,
        "POSTGRES_DB": "postgres",
        "OWNER_PASSWORD": "one'secret",
        "SHOP_PASSWORD": "another",
    }
    script = str(ROOT / "deploy/postgres/roles.sh")
    try:
        for _ in range(2):
            done = subprocess.run(["bash", script], env=env, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
        assert owners(old_shop) == {OWNER_ROLE}
        with psycopg.connect(old_shop.url_of("postgres", SUPERUSER)) as c:
            roles = c.execute(
                "SELECT rolname, rolsuper, rolpassword LIKE 'SCRAM%%' FROM pg_authid WHERE rolname = ANY(%s)",
                [[OWNER_ROLE, SHOP_ROLE]],
            ).fetchall()
    finally:
        old_shop.stop()
    assert sorted(roles) == [(SHOP_ROLE, False, True), (OWNER_ROLE, False, True)]
    log = Path(old_shop.data.parent / "postgres.log").read_text()
    assert "secret" not in log + done.stdout + done.stderr
