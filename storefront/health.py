"""Health checks for load balancers, container engines and people."""

from math import inf

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.clock import database_now
from notices import causes
from notices.heartbeats import last_beats, silent_after
from notices.models import Alert
from orders import freezing
from storefront.queue_health import silent_queues

_state = {"migrated": False}


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """OK if this process serves requests; checks nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """`{"status", "checks", "heard"}`; "heard" has the seconds since each part's last heartbeat.

    503 only without a migrated database. Without Redis, workers or mail, with a silent queue, or while the shop is
    frozen, the status is "degraded" and the code still 200: the shop takes orders and forwards them later, so taking it
    out of service would not help.
    """
    checks = {"database": "ok", "migrations": "ok", "redis": "ok" if _redis_answers() else "silent", "sweep": "silent"}
    checks |= {"queues": "unknown", "forwarding": "unknown", "mail": "unknown"}
    ages: dict[str, float] = {}
    try:
        if _migrated():
            now, beats = database_now(), last_beats()
            ages = {part: round((now - at).total_seconds(), 1) for part, at in sorted(beats.items())}
            silent = silent_queues(beats, now=now)
            checks["queues"] = f"silent: {', '.join(silent)}" if silent else "ok"
            checks["forwarding"] = "frozen" if freezing.is_frozen() else "ok"
            checks["mail"] = _mail()
        else:
            checks["migrations"] = "missing"
    except DatabaseError:
        checks |= {"database": "silent", "migrations": "unknown"}
    # beat sends each sweep and a worker runs it, so a recent one proves that both are alive.
    if ages.get("sweep", inf) <= silent_after().total_seconds():
        checks["sweep"] = "ok"
    serving = checks["migrations"] == "ok"
    status = "ready" if set(checks.values()) == {"ok"} else "degraded" if serving else "unready"
    return JsonResponse({"status": status, "checks": checks, "heard": ages}, status=200 if serving else 503)


def _mail() -> str:
    if not settings.MAIL_IS_SET_UP:
        return "not set up"
    return "failing" if Alert.objects.filter(cause=causes.MAIL_FAILS.key, closed_at=None).exists() else "ok"


def _redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):
        return False


def _migrated() -> bool:
    """True if every migration is applied. True is cached: nobody undoes migrations under a running shop."""
    if not _state["migrated"]:
        executor = MigrationExecutor(connection)
        _state["migrated"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _state["migrated"]
