"""Statements of the hot path: what they are handed, and what they say when something is wrong."""

from contextlib import closing
from select import select

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction

from core import prepared

pytestmark = pytest.mark.django_db(transaction=True)
_NEW = "INSERT INTO django_content_type (app_label, model) VALUES ('core', %(a)s) RETURNING id"


def test_a_name_used_twice_is_one_value_and_a_doubled_percent_sign_one() -> None:
    rows = prepared.read("SELECT %(a)s::text, %(b)s::int, %(a)s::text LIKE 'x%%'", {"b": "3", "a": "xyz"})
    assert rows == [("xyz", 3, True)]


def test_nothing_is_null_and_texts_come_back_as_they_went() -> None:
    text = "%(b)s $1 'quoted' ü \\ \n"
    assert prepared.read("SELECT %(a)s::text, %(b)s::int", {"a": text, "b": None}) == [(text, None)]


def test_each_session_prepares_a_statement_once() -> None:
    sql = "SELECT %(a)s::int + 1000"
    for _n in range(3):
        prepared.read(sql, {"a": "1"})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%+ 1000"]
        )
        assert cursor.fetchall() == [(3, 0)]


def test_a_session_whose_first_transaction_was_undone_plans_once_all_the_same() -> None:
    connection.close()
    with transaction.atomic():
        prepared.read("SELECT %(a)s::int + 2000", {"a": "1"})
        transaction.set_rollback(True)
    for _n in range(3):
        prepared.read("SELECT %(a)s::int + 3000", {"a": "1"})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%+ 3000"]
        )
        assert cursor.fetchall() == [(3, 0)]


def test_a_text_with_nul_is_refused_and_never_cut() -> None:
    with pytest.raises(DataError):
        prepared.read("SELECT %(a)s::text", {"a": "before\0after"})
    assert prepared.read("SELECT %(a)s::text", {"a": "later"}) == [("later",)]


def test_what_the_server_refuses_is_said_with_its_reason() -> None:
    with pytest.raises(DataError, match="abc"):
        prepared.read("SELECT %(a)s::int", {"a": "abc"})
    with pytest.raises(ProgrammingError, match="no_such_table"):
        prepared.read("SELECT * FROM no_such_table", {})
    prepared.write(_NEW, {"a": "twice"})
    with pytest.raises(IntegrityError) as caught:
        prepared.write(_NEW, {"a": "twice"})
    assert caught.value.__cause__.diag.constraint_name.startswith("django_content_type")  # type: ignore[union-attr]


def test_a_statement_is_part_of_the_transaction_around_it() -> None:
    with transaction.atomic():
        prepared.read("SELECT 1", {})
        prepared.write(_NEW, {"a": "undone"})
        transaction.set_rollback(True)
    prepared.write(_NEW, {"a": "done"})
    found = prepared.read("SELECT model FROM django_content_type WHERE model IN ('done', 'undone')", {})
    assert found == [("done",)]


def _end_session() -> None:
    """The server hangs up, and this side has heard it."""
    session = connection.connection
    with closing(connection.copy()) as another, another.cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
    assert select([session.pgconn.socket], [], [], 10)[0]


def test_a_write_asks_whether_its_session_lives_unless_it_answered_just_now(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    usable = connection.is_usable
    monkeypatch.setattr(connection, "is_usable", lambda: asked.append(found := usable()) or found)
    prepared.read("SELECT 1", {})
    connection.health_check_enabled, connection.health_check_done = True, False
    prepared.write(_NEW, {"a": "at once"})
    assert asked == []
    monkeypatch.setattr(prepared, "_ALIVE_SECONDS", -1.0)
    connection.health_check_done = False
    prepared.write(_NEW, {"a": "after a pause"})
    assert asked == [True]


def test_a_write_is_not_sent_to_a_server_that_hung_up() -> None:
    prepared.write(_NEW, {"a": "before"})
    _end_session()
    connection.health_check_enabled, connection.health_check_done = True, False
    prepared.write(_NEW, {"a": "after"})
    found = prepared.read("SELECT model FROM django_content_type WHERE model IN ('before', 'after') ORDER BY 1", {})
    assert found == [("after",), ("before",)]
