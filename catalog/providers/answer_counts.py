"""How often a provider answers: counted by the hour, from every exchange of every process."""

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

LOOKED_BACK = timedelta(hours=24)
KEPT = timedelta(days=30)
#: A busy process writes this often, so that counting costs an order nothing.
_WRITTEN_EVERY_SECONDS = 5
# Stops that tell of our own settings or decisions, not of the provider.
_OUR_OWN = ("private_address", "bad_url", "unencodable", "permit", "fault", "too_large")
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
    """Count one exchange. What a process has not written yet when it ends is lost: it is a figure to look at."""
    if exchange.stop in _OUR_OWN:
        return
    with _lock:
        tally = _tallies.setdefault(provider_id, _Tally())
        tally.calls += 1
        tally.failures += not is_answer(exchange)
        now = elapsed_clock()
        if tally.written_at is not None and now - tally.written_at < _WRITTEN_EVERY_SECONDS:
            return
        calls, failures = tally.calls, tally.failures
        _tallies[provider_id] = _Tally(written_at=now)
    try:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [provider_id, calls, failures])
    except (DatabaseError, InterfaceError) as problem:
        # The exchange that is counted may have placed an order: what it says must be kept, whatever becomes of this.
        log.warning("answers of provider %s were not counted: %s", provider_id, type(problem).__name__)


def is_answer(exchange: Exchange) -> bool:
    """Whether something came back that looks like JSON: not a time-out, an error of the server or a page of HTML."""
    start = exchange.body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return exchange.complete and (exchange.http_status or 0) < 500 and start in (b"{", b"[")


def error_rates(provider_ids: Iterable[int], *, now: datetime) -> dict[int, tuple[int, int]]:
    """Failures and calls of the last LOOKED_BACK, by provider; one without calls is left out."""
    recent = AnswerCount.objects.filter(provider__in=list(provider_ids), hour__gt=now - LOOKED_BACK)
    sums = recent.values("provider").annotate(missed=Sum("failures"), made=Sum("calls"))
    return {row["provider"]: (row["missed"], row["made"]) for row in sums}


def forget_old_counts(*, now: datetime) -> None:
    AnswerCount.objects.filter(hour__lt=now - KEPT).delete()
