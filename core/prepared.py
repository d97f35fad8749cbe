"""Statements on the hot path: each database session plans them once, and each is one round trip.

Everything is handed over as text and cast in the statement, so that one text is always one plan: the types of the
values would otherwise be part of its name.
"""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from math import inf
from select import POLLIN, poll
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

type Values = Mapping[str, str | None]

_NAME = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Part:
    """A piece of a statement that one room writes and another one puts together, with the values it names."""

    sql: str
    values: Values = field(default_factory=dict)


def read(sql: str, values: Values) -> list[tuple[Any, ...]]:
    """The rows of a statement that writes nothing: where the session turns out to be dead, it is asked again in a
    new one. That spares the question whether it lives, which Django would ask before."""
    connection: Any = connections[DEFAULT_DB_ALIAS]  # once: each look through the proxy is a look into thread storage
    lived = connection.connection is not None
    connection.health_check_done = lived
    try:
        return _run(connection, sql, values)
    except OperationalError:
        if not lived or connection.in_atomic_block or not connection.connection.broken:
            raise
    connection.close()
    return _run(connection, sql, values)


def write(sql: str, values: Values) -> list[tuple[Any, ...]]:
    """The rows of a statement that is a transaction of its own, or a step that fails by itself in the caller's.

    It is never sent twice, so the session has to live: one that answered just now does, where nobody hung up since. Any
    other is asked first, as Django does.
    """
    connection: Any = connections[DEFAULT_DB_ALIAS]
    if not connection.health_check_done and _lives(connection.connection):
        connection.health_check_done = True
    with transaction.atomic() if connection.in_atomic_block else nullcontext():
        return _run(connection, sql, values)


@cache
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement as the server reads it, with ``$1`` for the first of the names that come with it."""
    names: dict[str, int] = {}
    text = _NAME.sub(lambda found: f"${names.setdefault(found[1], len(names) + 1)}", sql)
    return text.replace("%%", "%").encode(), tuple(names)


@dataclass
class _Session:
    """What one database session has prepared: the name there of each statement."""

    names: dict[str, bytes] = field(default_factory=dict)
    is_generic: bool = False
    answered_at: float = -inf

    def plan_once(self, session: Any) -> None:
        """One plan for all values from the first call on.

        By itself Postgres would plan the first five anew and then compare costs; these statements go by keys, so there
        is nothing to choose, and planning is most of their work.
        """
        session.execute("SET plan_cache_mode = force_generic_plan")
        # Within a transaction it may be undone with it, and is said again after it.
        self.is_generic = session.pgconn.transaction_status == TransactionStatus.IDLE

    def name_of(self, session: Any, sql: str) -> bytes:
        if (name := self.names.get(sql)) is None:
            name = b"permille_%d" % len(self.names)
            _checked(session, session.pgconn.prepare(name, _numbered(sql)[0]), ExecStatus.COMMAND_OK)
            self.names[sql] = name
        return name


_sessions: WeakKeyDictionary[Any, _Session] = WeakKeyDictionary()
#: So long nobody on the way drops a session in silence; one who says so is heard.
_LIVES_SECONDS = 1.0


def _lives(session: Any) -> bool:
    known = _sessions.get(session) if session is not None else None
    if known is None or monotonic() - known.answered_at > _LIVES_SECONDS:
        return False
    # Nothing was asked, so whatever there is to read now is a farewell.
    heard = poll()
    heard.register(session.pgconn.socket, POLLIN)
    return not heard.poll(0)


def _run(connection: Any, sql: str, values: Values) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session = connection.connection
    with connection.wrap_database_errors:
        if not session.autocommit and session.pgconn.transaction_status == TransactionStatus.IDLE:
            # Nothing, so that the driver begins the transaction that the statement is meant to be part of.
            session.execute("")
        rows = _asked(session, sql, values)
    if connection.queries_logged:
        connection.queries_log.append({"sql": sql, "time": ""})
    return rows


def _asked(session: Any, sql: str, values: Values) -> list[tuple[Any, ...]]:
    """The driver's own way to run a prepared statement, without its cursors: those take as long as the statement."""
    if (known := _sessions.get(session)) is None:
        known = _sessions[session] = _Session()
    if not known.is_generic:
        known.plan_once(session)
    name = known.name_of(session, sql)
    given = [None if (value := values[key]) is None else value.encode() for key in _numbered(sql)[1]]
    if any(value is not None and b"\0" in value for value in given):
        # It ends a text for the server, which would read a shorter one.
        raise psycopg.DataError("a text for Postgres cannot hold NUL")
    result = _checked(session, session.pgconn.exec_prepared(name, given), ExecStatus.TUPLES_OK)
    known.answered_at = monotonic()
    reader = Transformer(session)
    reader.set_pgresult(result)
    return reader.load_rows(0, result.ntuples, tuple)


def _checked(session: Any, result: Any, wanted: ExecStatus) -> Any:
    if result.status == wanted:
        return result
    if session.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)
