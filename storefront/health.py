"""What a load balancer, a container engine or a person asks to know whether the shop is well."""

from math import inf

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.clock import database_now
from notices.heartbeats import last_beats
from orders import freezing
from storefront.roll_call import silent_after, silent_queues

_state = {"migrated": False}


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """This process serves requests; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """`{"status", "checks", "heard"}`, where heard is the age in seconds of each part's last sign of life.

    503 only without a migrated database. Without Redis or workers, or with a queue at which nobody answers, the status
    is "degraded" and the answer still 200:
    the shop takes orders all the same, they are forwarded later, and taking it out of service would help nobody.
    A frozen shop is degraded too.
    """
    checks = {"database": "ok", "migrations": "ok", "redis": "ok" if _redis_answers() else "silent", "sweep": "silent"}
    checks |= {"queues": "unknown", "forwarding": "unknown"}
    heard: dict[str, float] = {}
    try:
        if _migrated():
            now, beats = database_now(), last_beats()
            heard = {part: round((now - at).total_seconds(), 1) for part, at in sorted(beats.items())}
            silent = silent_queues(beats, now=now)
            checks["queues"] = f"silent: {', '.join(silent)}" if silent else "ok"
            checks["forwarding"] = "frozen" if freezing.is_frozen() else "ok"
        else:
            checks["migrations"] = "missing"
    except DatabaseError:
        checks |= {"database": "silent", "migrations": "unknown"}
    # Each sweep is a message of beat's that a worker answered, so a fresh one speaks for both.
    if heard.get("sweep", inf) <= silent_after().total_seconds():
        checks["sweep"] = "ok"
    serving = checks["migrations"] == "ok"
    status = "ready" if set(checks.values()) == {"ok"} else "degraded" if serving else "unready"
    return JsonResponse({"status": status, "checks": checks, "heard": heard}, status=200 if serving else 503)


def _redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):
        return False


def _migrated() -> bool:
    """Whether every migration is applied. A yes is remembered: nothing takes migrations back under a running shop."""
    if not _state["migrated"]:
        executor = MigrationExecutor(connection)
        _state["migrated"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _state["migrated"]
