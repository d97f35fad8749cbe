"""What a load balancer, a container engine or a person asks to know whether the shop is well."""

from datetime import timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.clock import database_now
from notices.heartbeats import last_beats

SILENT_AFTER = timedelta(minutes=2)
_state = {"migrated": False}


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """This process serves requests; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """`{"status", "checks"}`; 503 only without a migrated database.

    Without Redis or workers the status is "degraded" and the answer still 200: the shop takes orders all the same,
    they are forwarded later, and taking it out of service would help nobody.
    """
    checks: dict[str, object] = {"database": "ok", "migrations": "ok", "redis": "ok" if _redis_answers() else "silent"}
    try:
        if not _migrated():
            checks["migrations"] = "missing"
        else:
            checks["parts"] = _parts()
    except DatabaseError:
        checks |= {"database": "silent", "migrations": "unknown"}
    if checks["migrations"] != "ok":
        return JsonResponse({"status": "unready", "checks": checks}, status=503)
    parts = checks["parts"]
    alive = isinstance(parts, dict) and bool(parts) and "silent" not in parts.values()
    status = "ready" if alive and checks["redis"] == "ok" else "degraded"
    return JsonResponse({"status": status, "checks": checks})


def _redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _migrated() -> bool:
    """Whether every migration is applied. A yes is remembered: nothing takes migrations back under a running shop."""
    if not _state["migrated"]:
        executor = MigrationExecutor(connection)
        _state["migrated"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _state["migrated"]


def _parts() -> dict[str, str]:
    """Each part that ever gave a sign of life: "ok", or "silent" when the last one is too old."""
    now = database_now()
    return {part: "ok" if now - at <= SILENT_AFTER else "silent" for part, at in sorted(last_beats().items())}
