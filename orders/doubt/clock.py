"""The moment inside a piece of work that began at ``now``: the database's clock, carried on by this process's."""

from datetime import UTC, datetime, timedelta

from core.clock import elapsed_clock


class Clock:
    """Reads once at the door and counts on from there, so that a run has one clock however long its calls take."""

    def __init__(self, now: datetime) -> None:
        self._start = now
        self._began = elapsed_clock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed())

    def elapsed(self) -> float:
        """Seconds since the work began."""
        return elapsed_clock() - self._began


def seconds(moment: datetime) -> float:
    """A moment as the rules take it."""
    return moment.timestamp()


def moment(seconds_since_epoch: float) -> datetime:
    return datetime.fromtimestamp(seconds_since_epoch, UTC)
