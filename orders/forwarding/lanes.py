"""A lane: the right to send to a provider, held by one live database session.

The lock belongs to a session that does nothing else. When the process dies the session dies, and Postgres shows that
at once; when the process is only paused the session stays, and the lease counts.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from catalog.models import Provider
from core.clock import SteadyClock, elapsed_clock

#: Advisory locks of this shop's lanes share this first key, so that they meet no lock of anything else.
NAMESPACE = 0x5045524D
_LANES_PER_PROVIDER = 64


# The first free lane: the session tries one lock after another. With one plan for all values from the first call on: a
# lane's statements go by keys, so there is nothing to choose.
_TAKE = """
    SELECT n, pid, backend_start, set_config('plan_cache_mode', 'force_generic_plan', false)
    FROM pg_stat_activity, generate_series(1, %(lanes)s) n
    WHERE pid = pg_backend_pid()
        AND pg_try_advisory_lock(%(namespace)s, ((%(provider)s::bigint * %(most)s + n) %% 2147483648)::int)
    LIMIT 1
"""

# Sessions of this database that hold one of our locks and have been idle for too long.
_END_IDLE = """
    SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l USING (pid)
    WHERE l.locktype = 'advisory' AND l.classid = %s AND l.database = (
            SELECT oid FROM pg_database WHERE datname = current_database()
        ) AND a.state = 'idle' AND a.state_change < statement_timestamp() - make_interval(secs => %s)
"""


@dataclass(frozen=True)
class Lane:
    """A lane that is held. Belongs to one thread.

    ``pid`` and ``started`` name its session in pg_stat_activity; ``session`` is that session, in autocommit.
    """

    provider_id: int
    number: int
    pid: int
    started: datetime
    session: psycopg.Connection[Any]
    clock: SteadyClock = field(default_factory=SteadyClock, compare=False, repr=False)

    _seen: dict[str, Provider] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_lost(self) -> bool:
        """True if the session is gone: nothing gets a permit any more."""
        return self.session.closed or self.session.broken

    def provider(self, version: str) -> Provider:
        """Return the provider's row as of ``version`` (its xmin); it is read again only when it has changed."""
        if version not in self._seen:
            self._seen.clear()
            self._seen[version] = Provider.objects.get(pk=self.provider_id)
        return self._seen[version]


@dataclass(frozen=True, eq=False)
class _Opened:
    """A session for lanes: which process opened it, how, and when by that process' clock."""

    process: int
    parameters: dict[str, Any]
    session: psycopg.Connection[Any]
    since: float


#: Opening a session, and planning for it, costs Postgres more than an order does: each process keeps one for its next
#: lane, for as long as Django keeps one of its own.
_kept: list[_Opened] = []
_keeping = threading.Lock()
_KEEP_SECONDS = 60.0


@contextmanager
def take(provider_id: int) -> Iterator[Lane | None]:
    """Hold a free lane of the provider for the block, or give None when all of them are taken.

    A block that raises ends the session: what it left under way must not look as if somebody were still at it.
    """
    opened, lane = _open(provider_id)
    is_whole = False
    try:
        yield lane
        is_whole = True
    finally:
        # Closing the session gives the lock back as well, but only once Postgres has noticed.
        with suppress(psycopg.Error):
            opened.session.execute("SELECT pg_advisory_unlock_all()")
        is_old = elapsed_clock() - opened.since > _KEEP_SECONDS
        with _keeping:
            is_kept = is_whole and not _kept and not is_old and not opened.session.closed
            if is_kept:
                _kept.append(opened)
        if not is_kept:
            opened.session.close()


def end_kept() -> None:
    """Close the session that is kept for a next lane."""
    with _keeping:
        for opened in _kept:
            opened.session.close()
        _kept.clear()


def _open(provider_id: int) -> tuple[_Opened, Lane | None]:
    """Return the kept session or a new one, and the lane that it got."""
    parameters = connection.get_connection_params()
    if not str(parameters.get("host") or "/").startswith("/"):
        parameters.setdefault("tcp_user_timeout", 30_000)
    # Statements are prepared on the server: the session runs the same two or three of them for each order.
    parameters = {**parameters, "cursor_factory": psycopg.Cursor, "prepare_threshold": 0}
    with _keeping:
        kept = _kept.pop() if _kept else None
    # A process that was forked leaves its parent's session alone.
    if kept is not None and kept.process == os.getpid():
        # It may have ended since it was kept, as by a restart of Postgres.
        with suppress(psycopg.OperationalError):
            if kept.parameters == parameters:
                return kept, _take(kept.session, provider_id)
        kept.session.close()
    session = psycopg.connect(**parameters, autocommit=True)
    try:
        return _Opened(os.getpid(), parameters, session, elapsed_clock()), _take(session, provider_id)
    except BaseException:
        session.close()
        raise


def _take(session: psycopg.Connection[Any], provider_id: int) -> Lane | None:
    numbers = {"lanes": settings.FORWARD_LANES, "namespace": NAMESPACE, "most": _LANES_PER_PROVIDER}
    row = session.execute(_TAKE, {**numbers, "provider": provider_id}).fetchone()
    return None if row is None else Lane(provider_id, row[0], row[1], row[2], session)


def end_idle() -> int:
    """End the sessions that hold a lane and have done nothing with it for too long; return how many.

    A lane that sends runs statements before and after each send. A process that was stopped between two sends has no
    attempt under way whose lease could end, and would keep its lane for ever.
    """
    longest = settings.FORWARD_LEASE_SECONDS + 2 * settings.READ_DEADLINE_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(_END_IDLE, [NAMESPACE, longest])
        return len(cursor.fetchall())
