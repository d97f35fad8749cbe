"""One round of everything that may be due: with workers, or all in one process.

If a part fails, the owner is alerted and the other parts go on.
"""

from dataclasses import asdict

from billing import low_balance
from billing.topups import catching_up, looking, refunding
from catalog.providers import checks
from catalog.sync.scheduled import sync_due, sync_is_due
from core.clock import database_now
from notices import outbox
from notices.alert_mails import mail_open_alerts
from notices.containment import contained, failures_since
from notices.heartbeats import beat
from orders import auditing, freezing, sweep
from orders.books import reconciliation
from orders.doorbell import RESOLVE, ring
from orders.doubt import resolve
from orders.facts import upkeep as facts
from orders.mails.sending import due_news, mail_news
from orders.profit import upkeep as profit
from storefront import expired
from storefront.queue_health import beat_for_all, check_queues


def ring_round() -> None:
    """With workers: ring for whatever is due, and do the short jobs here."""
    now = database_now()
    with contained("looking for due orders"):
        sweep.ring_for_due(now=now)
    with contained("looking at parked providers"):
        checks.probe_parked(now=now)
    if resolve.is_due(now=now):
        ring(RESOLVE)
    if sync_is_due(now=now):
        ring("catalog.tasks.sync_due")
    with contained("reconciling accounts"):
        reconciliation.reconcile_due(now=now)
    with contained("looking for due top-ups"):
        if refunding.something_is_due(now=now):
            looking.ring()
    with contained("auditing"):
        auditing.audit_due(now=now)
    with contained("counting the facts of services"):
        facts.keep_up(now=now)
    with contained("counting what the shop earned"):
        profit.keep_up(now=now)
    with contained("calling the roll of the queues"):
        check_queues(now=now)
    with contained("deleting what has expired"):
        expired.delete_now_and_then(now=now)
    with contained("looking for low balances"):
        low_balance.mail_falls(now=now)
    with contained("mailing alerts"):
        mail_open_alerts(now=now)
    with contained("looking for due mails"):
        outbox.check_set_up(now=now)
        if due_news(now).exists() or outbox.is_due(now=now, only_alerts=freezing.is_frozen()):
            outbox.ring()
    beat("sweep", now=now)


def work_round(*, seconds: float = 15.0) -> dict[str, int]:
    """Without a broker: do everything in this process; return the counts of what was done and of failed parts."""
    now = database_now()
    done = {
        "probed": 0,
        "resolved": 0,
        "synced": 0,
        "reconciled": 0,
        "topups": 0,
        "counted": 0,
        "expired": 0,
        "mailed": 0,
    }
    with contained("looking at parked providers"):
        done["probed"] = checks.probe_parked(now=now)
    with contained("doing due orders"):
        done |= asdict(sweep.do_due(now=now, seconds=seconds))
    with contained("resolving doubts"):
        done["resolved"] = resolve.resolve_due(now=database_now(), seconds=seconds)
    with contained("syncing catalogs"):
        done["synced"] = sync_due(now=now)
    with contained("reconciling accounts"):
        done["reconciled"] = reconciliation.reconcile_due(now=database_now())
    with contained("looking at top-ups"):
        if refunding.something_is_due(now=now):
            done["topups"] = looking.look_due(seconds=seconds)
            done["topups"] += refunding.send_due(seconds=seconds, is_frozen=freezing.is_frozen())
            done["topups"] += catching_up.catch_up(now=database_now(), seconds=seconds)
    with contained("auditing"):
        auditing.audit_due(now=database_now())
    with contained("counting the facts of services"):
        done["counted"] = facts.keep_up(now=database_now())
    with contained("counting what the shop earned"):
        done["counted"] += profit.keep_up(now=database_now())
    with contained("deleting what has expired"):
        done["expired"] = expired.delete_now_and_then(now=now)
    with contained("looking for low balances"):
        low_balance.mail_falls(now=database_now())
    with contained("mailing alerts"):
        mail_open_alerts(now=database_now())
    with contained("making mails of news"):
        mail_news(now=database_now(), seconds=seconds)
    with contained("sending mails"):
        outbox.check_set_up(now=now)
        done["mailed"] = outbox.send_due(now=database_now(), only_alerts=freezing.is_frozen(), seconds=seconds)
    beat_for_all(now=database_now())
    beat("sweep", now=database_now())
    return {**done, "failures": failures_since(now)}
