"""How many attempts there are, kept outside the database as well: in Redis, and in a file if there is a folder.

A restored database knows fewer attempts than the mark. Both places are optional, and neither is needed for anything
else: one that is away, or forgets, only takes this one sign of a restore with it.
"""

import logging
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)

_REACHED = """
    SELECT coalesce((SELECT max(id) FROM orders_forwardattempt), 0)
         + coalesce((SELECT max(id) FROM orders_refillattempt), 0)
"""


def reached() -> int:
    """Return a count that grows with every attempt.

    Attempts are never deleted, so it is smaller only in a restored database.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REACHED)
        count: int = cursor.fetchone()[0]
    return count


def read(shop: UUID) -> int:
    """Return the highest mark left outside; 0 if there is none."""
    found: list[object] = []
    with suppress(redis.RedisError), _redis() as client:
        found.append(client.get(_key(shop)))
    if path := _file(shop):
        with suppress(OSError):
            found.append(path.read_bytes())
    return max((int(mark) for mark in found if isinstance(mark, bytes) and mark.strip().isdigit()), default=0)


def write(shop: UUID, count: int) -> None:
    """Leave the mark outside, wherever that is possible."""
    try:
        with _redis() as client:
            client.set(_key(shop), count)
    except redis.RedisError as problem:
        log.warning("the mark of attempts was not left in Redis (%s)", type(problem).__name__)
    path = _file(shop)
    if path is None:
        return
    try:
        unfinished = path.with_suffix(".new")
        unfinished.write_text(f"{count}\n")
        unfinished.replace(path)
    except OSError as problem:
        log.warning("the mark of attempts was not left in %s (%s)", path, type(problem).__name__)


def _redis() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)


def _key(shop: UUID) -> str:
    return f"shop:{shop}:attempts"


def _file(shop: UUID) -> Path | None:
    return Path(settings.STATE_FOLDER) / f"{shop}.attempts" if settings.STATE_FOLDER else None
