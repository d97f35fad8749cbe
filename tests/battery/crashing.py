"""Ending, or stopping for a while, whoever is at work at a named boundary of it: SIGKILL and SIGSTOP, repeatable.

A crash is a BaseException, so that nothing of the shop keeps it; the database sessions of the dead are closed first,
so that no ``finally`` of theirs can tidy up what a killed process would have left.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from orders.checkout import placement
from orders.doubt import conclude, resolve
from orders.following import order_answers, poll
from orders.forwarding import dispatch, lanes, outcomes, permits, refill_sends
from orders.jobs import running
from orders.mass import placing
from tests.orders.cast import until

#: A stopped process may wake at these and find the world changed; inside a transaction nobody is stopped here.
PAUSES = ("lane", "claimed", "connected", "permit", "permitted", "first_byte", "last_byte", "answered", "stored")
CRASHES = (*PAUSES, "record_uncommitted", "recorded")
ELSEWHERE = ("status_read", "settled_uncommitted", "settled", "searched", "verdict_uncommitted", "verdict")
AT_PLACEMENT = ("before_placing", "written", "placed")
AT_MANY = ("before_many", "many_written", "many_placed")
AT_JOBS = ("job_claimed", "job_uncommitted", "job_recorded")


class Crash(BaseException):
    """The process is dead."""


class Boundaries:
    """One plan at a time: at ``point``, do ``operation`` once. ``fired`` counts what happened where."""

    def __init__(self, look: "psycopg.Connection[Any]") -> None:
        self._look = look
        self._plan: tuple[str, Callable[[], None]] | None = None
        self._sessions: list[psycopg.Connection[Any]] = []
        self._dead = False
        self.fired: Counter[str] = Counter()

    def reached(self, point: str) -> None:
        if not point or self._plan is None or self._plan[0] != point:
            return
        _point, operation = self._plan
        self._plan = None
        self.fired[point] += 1
        operation()

    @contextmanager
    def crash_at(self, point: str) -> Iterator[None]:
        """Whoever gets there within the block dies; the block ends with nobody harmed otherwise."""
        self._plan = (point, self._die)
        try:
            yield
        except BaseException:
            if not self._dead:
                raise
            self._bury()  # whatever its last words were
        finally:
            self._plan = None

    @contextmanager
    def pause_at(self, point: str, meanwhile: Callable[[], None]) -> Iterator[None]:
        """Whoever gets there is stopped while ``meanwhile`` happens, and goes on none the wiser."""
        self._plan = (point, meanwhile)
        try:
            yield
        finally:
            self._plan = None

    def _die(self) -> None:
        self._dead = True
        backends = [s for s in [*self._sessions, connection.connection] if s is not None and not s.closed]
        self._pids = [s.info.backend_pid for s in backends]
        for session in backends:
            session.close()
        raise Crash

    def _bury(self) -> None:
        """Wait until Postgres knows of the death, as it does within milliseconds, and begin anew."""
        self._dead = False
        self._sessions.clear()
        # As in a process that has just begun; Django's own close() leaves a session that was lost in a transaction.
        connection.connection = None
        connection.closed_in_transaction = connection.in_atomic_block = False
        gone = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
        until(lambda: self._look.execute(gone, [self._pids]).fetchone() == (0,))

    # Where the boundaries are.

    @contextmanager
    def installed(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for module, name, before, after in (
                (dispatch, "give_up_lane", "lane", ""),
                (dispatch, "claim_next", "", "claimed"),
                (refill_sends, "claim_next", "", "claimed"),
                (permits, "store_exchange", "", "stored"),
                (outcomes, "record", "", "recorded"),
                (refill_sends, "record", "", "recorded"),
                (outcomes.refusal_streaks, "tally", "", "record_uncommitted"),
                (refill_sends, "_record", "", "record_uncommitted"),
                (poll, "_apply", "status_read", "settled"),
                (order_answers, "write", "", "settled_uncommitted"),
                (resolve, "_judge", "searched", ""),
                (conclude, "_close_alerts", "", "verdict_uncommitted"),
                (conclude, "placed", "", "verdict"),
                (conclude, "not_placed", "", "verdict"),
                (placement, "write_order", "before_placing", "written"),
                (placing, "write_orders", "before_many", "many_written"),
                (running, "_claim", "", "job_claimed"),
                (running, "_record", "", "job_uncommitted"),
                (running, "_do", "", "job_recorded"),
            ):
                patch.setattr(module, name, self._around(getattr(module, name), before, after))
            patch.setattr(permits, "permit", self._permit(permits.permit))
            patch.setattr(lanes, "_take", self._remembered(lanes._take))
            patch.setattr(connection, "connect", self._unless_dead(connection.connect))
            yield

    def _around(self, real: Callable[..., Any], before: str, after: str) -> Callable[..., Any]:
        def operation(*args: Any, **named: Any) -> Any:
            self.reached(before)
            result = real(*args, **named)
            if result is not None or after != "claimed":
                self.reached(after)
            return result

        return operation

    def _permit(self, real: Callable[..., Callable[[], None]]) -> Callable[..., Callable[[], None]]:
        def permit(kind: Any, lane: lanes.Lane, token: Any, *, digest: str = "") -> Callable[[], None]:
            ask = real(kind, lane, token, digest=digest)

            def asked() -> None:
                self.reached("permit")
                ask()
                self.reached("permitted")

            return asked

        return permit

    def _remembered(self, real: Callable[..., lanes.Lane | None]) -> Callable[..., lanes.Lane | None]:
        def lane(session: "psycopg.Connection[Any]", *place: Any) -> lanes.Lane | None:
            self._sessions[:] = [s for s in self._sessions if not s.closed] + [session]
            return real(session, *place)

        return lane

    def _unless_dead(self, real: Callable[[], None]) -> Callable[[], None]:
        def connect() -> None:
            if self._dead:
                raise Crash
            real()

        return connect
