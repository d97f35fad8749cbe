"""How far the attempts have come, kept outside the database as well: in Redis, and in a file where there is a folder.

A database that was put back knows fewer attempts than the mark. Both places are optional, and neither is needed for
anything else: one that is away, or forgets, takes only this one sign of a restore with it.
"""

import logging
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
    """A count that grows with every attempt; attempts are never deleted, so it shrinks only with the database."""
    with connection.cursor() as cursor:
        cursor.execute(_REACHED)
        count: int = cursor.fetchone()[0]
    return count


def read(shop: UUID) -> int:
    """The highest mark left outside; 0 when there is none."""
    return max(_read_redis(shop), _read_file(shop))


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
        beside = path.with_suffix(".new")
        beside.write_text(f"{count}\n")
        beside.replace(path)
    except OSError as problem:
        log.warning("the mark of attempts was not left in %s (%s)", path, type(problem).__name__)


def _read_redis(shop: UUID) -> int:
    try:
        with _redis() as client:
            return _whole(client.get(_key(shop)))
    except redis.RedisError:
        return 0


def _read_file(shop: UUID) -> int:
    path = _file(shop)
    try:
        return _whole(path.read_bytes()) if path else 0
    except OSError:
        return 0


def _whole(text: object) -> int:
    return int(text) if isinstance(text, bytes) and text.strip().isdigit() else 0


def _redis() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)


def _key(shop: UUID) -> str:
    return f"shop:{shop}:attempts"


def _file(shop: UUID) -> Path | None:
    return Path(settings.STATE_FOLDER) / f"{shop}.attempts" if settings.STATE_FOLDER else None
