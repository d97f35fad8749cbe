"""How often a key, and a customer over all keys, may call: token buckets in Redis, or in this process without it."""

import hashlib
import logging
import threading
from math import ceil
from time import monotonic
from typing import Any

import redis
from django.conf import settings

from accounts.api_keys import Caller

log = logging.getLogger(__name__)

#: A customer's keys together may call this many times as often as one of them.
CUSTOMER_SHARE = 2
#: After a failure Redis is left alone this long, so that calls do not wait for its time-out one by one.
REDIS_PAUSE_SECONDS = 5.0
_BUCKET_LIMIT = 20_000

# Takes one token from every bucket or none. ARGV: for each bucket its size, which is also its refill in a minute.
# Returns the milliseconds until the emptiest one holds a token, 0 when the call may pass.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left, wait = {}, 0
for i, key in ipairs(KEYS) do
  local size = tonumber(ARGV[i])
  local kept = redis.call('HMGET', key, 'left', 'at')
  local found = size
  if kept[1] then
    found = math.min(size, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * size / 60000)
  end
  left[i] = found
  if found < 1 then wait = math.max(wait, math.ceil((1 - found) * 60000 / size)) end
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'left', tostring(left[i] - 1), 'at', now)
  redis.call('PEXPIRE', key, 61000)
end
return 0
"""
_TAKE_SHA = hashlib.sha1(_TAKE.encode(), usedforsecurity=False).hexdigest()


class _Shared:
    """The buckets in Redis, over one connection for each thread.

    It is made on first use, because a forked web process must not share its parent's.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._pool: redis.ConnectionPool | None = None
        self._silent_until = 0.0

    def wait(self, buckets: dict[str, int]) -> float | None:
        """Return the seconds to wait, 0 when a token was taken, None while there is no Redis."""
        if monotonic() < self._silent_until:
            return None
        words = [len(buckets), *buckets, *buckets.values()]
        try:
            try:
                return int(self._command("EVALSHA", _TAKE_SHA, *words)) / 1000
            except redis.exceptions.NoScriptError:
                return int(self._command("EVAL", _TAKE, *words)) / 1000
        except redis.RedisError as problem:
            self._silent_until = monotonic() + REDIS_PAUSE_SECONDS
            log.warning("no Redis for API limits (%s); this process counts by itself", type(problem).__name__)
            return None

    def _command(self, *words: Any) -> Any:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            if self._pool is None:
                self._pool = redis.ConnectionPool.from_url(
                    settings.REDIS_URL, socket_connect_timeout=0.25, socket_timeout=0.25
                )
            connection = self._own.connection = self._pool.make_connection()
        was_open = connection.is_connected
        try:
            connection.send_command(*words)
            return connection.read_response()
        except redis.TimeoutError:
            raise
        except redis.ConnectionError:
            if not was_open:
                raise
        # Redis had closed the connection since the last call, which says nothing about Redis now.
        connection.send_command(*words)
        return connection.read_response()


class OwnBuckets:
    """The same in this process alone: with several processes a caller may get that many times more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, buckets: dict[str, int], now: float) -> float:
        """Return the seconds to wait, 0 when a token was taken from every bucket."""
        with self._lock:
            left: dict[str, float] = {}
            for name, size in buckets.items():
                kept, at = self._left.get(name, (float(size), now))
                left[name] = min(float(size), kept + max(0.0, now - at) * size / 60)
            wait = max((1 - left[name]) * 60 / size for name, size in buckets.items())
            if wait > 0:
                return wait
            if len(self._left) > _BUCKET_LIMIT:
                self._left.clear()
            self._left |= {name: (found - 1, now) for name, found in left.items()}
            return 0


_shared, _own = _Shared(), OwnBuckets()


def seconds_to_wait(caller: Caller) -> int:
    """Return the whole seconds until this call may be made again, 0 when it may pass now."""
    rate = settings.API_RATE_PER_MINUTE
    if not rate:
        return 0
    return take({f"api:key:{caller.key.pk}": rate, f"api:customer:{caller.customer.pk}": rate * CUSTOMER_SHARE})


def take(buckets: dict[str, int]) -> int:
    """Take a token from each bucket, named with its size; return 0, or the whole seconds until each has one."""
    wait = _shared.wait(buckets)
    return ceil(_own.wait(buckets, monotonic()) if wait is None else wait)
