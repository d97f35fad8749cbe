"""How often a provider answers: exchanges and failures per hour, from all processes."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Sum

from catalog.models import AnswerCount
from core.clock import elapsed_clock
from upstream.exchange import Exchange

log = logging.getLogger(__name__)

ERROR_RATE_PERIOD = timedelta(hours=24)
KEPT = timedelta(days=30)
#: A busy process writes its counts this often, so that counting costs an order nothing.
_WRITE_SECONDS = 5
# Why an exchange stopped, if because of our own settings or decisions and not of the provider.
_OUR_STOPS = ("private_address", "bad_url", "unencodable", "permit", "fault", "too_large")
_WRITE = """
    INSERT INTO catalog_answercount (provider_id, hour, calls, failures)
    VALUES (%s, date_trunc('hour', statement_timestamp()), %s, %s)
    ON CONFLICT (provider_id, hour) DO UPDATE
    SET calls = catalog_answercount.calls + excluded.calls, failures = catalog_answercount.failures + excluded.failures
"""


@dataclass
class _Tally:
    calls: int = 0
    failures: int = 0
    written_at: float | None = None


_tallies: dict[int, _Tally] = {}
_lock = threading.Lock()


def count(provider_id: int, exchange: Exchange) -> None:
    """Count one exchange. Counts that a process has not written when it ends are lost: the figure is for display."""
    if exchange.stop in _OUR_STOPS:
        return
    with _lock:
        tally = _tallies.setdefault(provider_id, _Tally())
        tally.calls += 1
        tally.failures += not is_answer(exchange)
        now = elapsed_clock()
        if tally.written_at is not None and now - tally.written_at < _WRITE_SECONDS:
            return
        calls, failures = tally.calls, tally.failures
        _tallies[provider_id] = _Tally(written_at=now)
    try:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [provider_id, calls, failures])
    except (DatabaseError, InterfaceError) as problem:
        # The exchange may have placed an order: its answer must be recorded even if it cannot be counted.
        log.warning("answers of provider %s were not counted: %s", provider_id, type(problem).__name__)


def is_answer(exchange: Exchange) -> bool:
    """Whether the answer looks like JSON, and is no time-out, server error or HTML page."""
    start = exchange.body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return exchange.complete and (exchange.http_status or 0) < 500 and start in (b"{", b"[")


def error_rates(provider_ids: Iterable[int], *, now: datetime) -> dict[int, tuple[int, int]]:
    """Return failures and calls of the last ERROR_RATE_PERIOD by provider id, without providers that had no calls."""
    recent = AnswerCount.objects.filter(provider__in=list(provider_ids), hour__gt=now - ERROR_RATE_PERIOD)
    sums = recent.values("provider").annotate(missed=Sum("failures"), made=Sum("calls"))
    return {row["provider"]: (row["missed"], row["made"]) for row in sums}


def forget_old_counts(*, now: datetime) -> None:
    """Delete counts older than KEPT."""
    AnswerCount.objects.filter(hour__lt=now - KEPT).delete()
