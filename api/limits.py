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
#: After Redis failed it is left alone for so long, so that calls do not wait for its time-out one by one.
REDIS_PAUSE_SECONDS = 5.0
_MOST_BUCKETS = 20_000

# Takes one token from every bucket or none. ARGV: for each bucket its size, which is also its refill in a minute.
# Answers the milliseconds until the emptiest one holds a token, 0 when the call may pass.
_TAKE = b"""
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
_TAKE_SHA = hashlib.sha1(_TAKE, usedforsecurity=False).hexdigest().encode()


def _packed(*words: bytes) -> bytes:
    """A command as Redis reads it."""
    return b"*%d\r\n" % len(words) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


class _Shared:
    """The buckets in Redis. Each thread has a connection of its own, made on first use: a forked web process must not
    share its parent's, and choosing one from a pool costs more than the question itself."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._pool: redis.ConnectionPool | None = None
        self._silent_until = 0.0

    def wait(self, buckets: dict[str, int]) -> float | None:
        """Seconds to wait, 0 when a token was taken, None while there is no Redis."""
        if monotonic() < self._silent_until:
            return None
        words = [b"%d" % len(buckets), *(name.encode() for name in buckets), *(b"%d" % n for n in buckets.values())]
        try:
            try:
                return int(self._ask(_packed(b"EVALSHA", _TAKE_SHA, *words))) / 1000
            except redis.exceptions.NoScriptError:
                return int(self._ask(_packed(b"EVAL", _TAKE, *words))) / 1000
        except redis.RedisError as problem:
            self._silent_until = monotonic() + REDIS_PAUSE_SECONDS
            log.warning("no Redis for API limits (%s); this process counts by itself", type(problem).__name__)
            return None

    def _ask(self, command: bytes) -> Any:
        connection = self._connection()
        was_open = connection.is_connected
        try:
            connection.send_packed_command([command])
            return connection.read_response()
        except redis.TimeoutError:
            raise
        except redis.ConnectionError:
            if not was_open:
                raise
        # Redis had hung up since the last call, which is no news about what it does now.
        connection.send_packed_command([command])
        return connection.read_response()

    def _connection(self) -> Any:
        if (found := getattr(self._own, "connection", None)) is None:
            if self._pool is None:
                self._pool = redis.ConnectionPool.from_url(
                    settings.REDIS_URL, socket_connect_timeout=0.25, socket_timeout=0.25
                )
            found = self._own.connection = self._pool.make_connection()
        return found


class OwnBuckets:
    """The same in this process alone: with several processes a caller may get as many times more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, buckets: dict[str, int], now: float) -> float:
        with self._lock:
            left = {name: self._now_in(name, size, now) for name, size in buckets.items()}
            wait = max((1 - left[name]) * 60 / size for name, size in buckets.items())
            if wait > 0:
                return wait
            if len(self._left) > _MOST_BUCKETS:
                self._left.clear()
            self._left |= {name: (found - 1, now) for name, found in left.items()}
            return 0

    def _now_in(self, name: str, size: int, now: float) -> float:
        left, at = self._left.get(name, (float(size), now))
        return min(float(size), left + max(0.0, now - at) * size / 60)


_shared, _own = _Shared(), OwnBuckets()


def seconds_to_wait(caller: Caller) -> int:
    """Whole seconds until this call may be made again, 0 when it may pass now."""
    rate = settings.API_RATE_PER_MINUTE
    if not rate:
        return 0
    buckets = {f"api:key:{caller.key.pk}": rate, f"api:customer:{caller.customer.pk}": rate * CUSTOMER_SHARE}
    wait = _shared.wait(buckets)
    return ceil(_own.wait(buckets, monotonic()) if wait is None else wait)
