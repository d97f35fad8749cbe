"""One round through everything that may be due, in the two ways a shop can run it: with workers, or all alone."""

from dataclasses import asdict

from catalog import health
from catalog.scheduled import sync_due, sync_is_due
from core.clock import database_now
from notices.alerts import mail_open_alerts
from notices.heartbeats import beat
from orders import sweep
from orders.doorbell import RESOLVE, ring
from orders.doubt import resolve


def ring_round() -> None:
    """With workers: give up dead attempts, ring for the rest, and do the small things here."""
    now = database_now()
    sweep.ring_for_due(now=now)
    health.probe_parked(now=now)
    if resolve.is_due(now=now):
        ring(RESOLVE)
    if sync_is_due(now=now):
        ring("catalog.tasks.sync_due")
    mail_open_alerts(now=now)
    beat(part="sweep", now=now)


def work_round(*, seconds: float = 15.0) -> dict[str, int]:
    """Without any broker: do all of it in this process; what was done."""
    now = database_now()
    probed = health.probe_parked(now=now)
    done = asdict(sweep.do_due(now=now, seconds=seconds))
    resolved = resolve.resolve_due(now=database_now(), seconds=seconds)
    synced = sync_due(now=now)
    mailed = mail_open_alerts(now=database_now())
    beat(part="sweep", now=database_now())
    return {**done, "probed": probed, "resolved": resolved, "synced": synced, "mailed": mailed}
