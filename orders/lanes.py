"""A lane: the right to send to a provider, held by one live database session.

The lock belongs to a session opened for it alone. When the process dies the session dies, and Postgres tells everybody
so at once; when the process is only paused the session stays, and the lease counts.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

#: Advisory locks of this shop's lanes share this first key, so that they meet no lock of anything else.
_NAMESPACE = 0x5045524D
_LANES_PER_PROVIDER = 64


@dataclass(frozen=True)
class Lane:
    """``pid`` and ``started`` name the session in pg_stat_activity; ``session`` is that session, in autocommit."""

    provider_id: int
    number: int
    pid: int
    started: datetime
    session: psycopg.Connection[Any]


@contextmanager
def take(provider_id: int) -> Iterator[Lane | None]:
    """A free lane of the provider for as long as the block runs, or None when all of them are taken."""
    with psycopg.connect(**_parameters(), autocommit=True) as session:
        number = next((n for n in range(1, settings.FORWARD_LANES + 1) if _try_lock(session, provider_id, n)), None)
        try:
            yield None if number is None else _lane(session, provider_id, number)
        finally:
            # Closing the session gives the lock back as well, but only once Postgres has noticed.
            with suppress(psycopg.Error):
                session.execute("SELECT pg_advisory_unlock_all()")


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    if not str(parameters.get("host") or "/").startswith("/"):
        parameters.setdefault("tcp_user_timeout", 30_000)
    return parameters


def _try_lock(session: psycopg.Connection[Any], provider_id: int, number: int) -> bool:
    place = (provider_id * _LANES_PER_PROVIDER + number) % 2**31
    row = session.execute("SELECT pg_try_advisory_lock(%s, %s)", (_NAMESPACE, place)).fetchone()
    return bool(row and row[0])


def _lane(session: psycopg.Connection[Any], provider_id: int, number: int) -> Lane:
    row = session.execute("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()
    assert row is not None  # noqa: S101 - a session always sees itself
    return Lane(provider_id=provider_id, number=number, pid=row[0], started=row[1], session=session)
