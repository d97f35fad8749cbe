"""One round through everything that may be due, in the two ways a shop can run it: with workers, or all alone.

Each part is contained: one that breaks is told to the owner, and the others go on.
"""

from dataclasses import asdict

from catalog import health
from catalog.scheduled import sync_due, sync_is_due
from core.clock import database_now
from notices.alerts import mail_open_alerts
from notices.containment import contained, failures_since
from notices.heartbeats import beat
from orders import reconciliation, sweep
from orders.doorbell import RESOLVE, ring
from orders.doubt import resolve
from storefront.roll_call import answer_all, call_roll


def ring_round() -> None:
    """With workers: give up dead attempts, ring for the rest, and do the small things here."""
    now = database_now()
    with contained("looking for due orders"):
        sweep.ring_for_due(now=now)
    with contained("looking at parked providers"):
        health.probe_parked(now=now)
    if resolve.is_due(now=now):
        ring(RESOLVE)
    if sync_is_due(now=now):
        ring("catalog.tasks.sync_due")
    with contained("reconciling accounts"):
        reconciliation.reconcile_due(now=now)
    with contained("calling the roll of the queues"):
        call_roll(now=now)
    with contained("mailing alerts"):
        mail_open_alerts(now=now)
    beat(part="sweep", now=now)


def work_round(*, seconds: float = 15.0) -> dict[str, int]:
    """Without any broker: do all of it in this process; what was done, and how many parts failed."""
    now = database_now()
    done = {"probed": 0, "resolved": 0, "synced": 0, "reconciled": 0, "mailed": 0}
    with contained("looking at parked providers"):
        done["probed"] = health.probe_parked(now=now)
    with contained("doing due orders"):
        done |= asdict(sweep.do_due(now=now, seconds=seconds))
    with contained("resolving doubts"):
        done["resolved"] = resolve.resolve_due(now=database_now(), seconds=seconds)
    with contained("syncing catalogs"):
        done["synced"] = sync_due(now=now)
    with contained("reconciling accounts"):
        done["reconciled"] = reconciliation.reconcile_due(now=database_now())
    with contained("mailing alerts"):
        done["mailed"] = mail_open_alerts(now=database_now())
    answer_all(now=database_now())
    beat(part="sweep", now=database_now())
    return {**done, "failures": failures_since(now)}
