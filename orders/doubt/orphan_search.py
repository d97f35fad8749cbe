"""The daily search for orders under our key that nobody knows: a list for the owner, and never an explanation."""

from datetime import timedelta

from django.db.models import Min
from django.utils.translation import ngettext

from notices import causes
from notices.alerts import raise_alert
from orders.books.orphans import Orphan, note_orphans
from orders.doubt import late_charges, probing
from orders.doubt.evidence import CALLS_PER_DOUBT, ids_per_call, newest_own_id
from orders.doubt.probing import Probe
from orders.models import ForwardAttempt, OwnId, ProbeSchedule
from orders.states import Explanation, Outcome

EVERY = timedelta(days=1)


def scan_if_due(probe: Probe, schedule: ProbeSchedule) -> int:
    """Continue the search from where the last scan ended; return how many orphans are new.

    It asks for no more ids than the search for a doubt may, and is due again at once until it reaches our newest id.
    At its end, unknown charges are asked for. Raises ForeignIdsShown and ProbeStopped.
    """
    provider, now = probe.provider, probe.clock.now()
    newest = newest_own_id(provider)
    if newest is None or (schedule.next_scan_at is not None and schedule.next_scan_at > now):
        return 0
    start = schedule.scanned_to
    if start is None:
        placed = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT)
        start = int(placed.aggregate(first=Min("number"))["first"] or 0)
    end = min(newest, start + CALLS_PER_DOUBT * ids_per_call(provider) + 1)
    if end > start + 1:
        done = probing.search(probe, [(start, end)], newest=newest)
        if [start, end] not in done.ranges:
            return 0  # stopped, or the end of another search that had to be finished first
    is_at_end = end == newest
    # The bounds of a search are exclusive, and one that was cut short ends with an id that was not asked for.
    schedule.scanned_to = end if is_at_end else end - 1
    schedule.next_scan_at = now + EVERY if is_at_end else now
    schedule.save(update_fields=["scanned_to", "next_scan_at"])
    if not is_at_end:
        return 0
    found = mark_orphans(probe)
    late_charges.ask_about_orphans(probe)
    return found


def mark_orphans(probe: Probe) -> int:
    """Mark as orphans the ids that no order explains and no send under way can explain; return how many are new."""
    provider, now = probe.provider, probe.clock.now()
    unexplained = OwnId.objects.filter(provider=provider, explained="")
    sending = ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.SENDING).aggregate(since=Min("sent_at"))
    if sending["since"] is not None:
        unexplained = unexplained.filter(first_seen_at__lt=sending["since"])
    listed = [Orphan(own.upstream_id, own.charge, own.state) for own in unexplained]
    found = unexplained.update(explained=Explanation.ORPHAN)
    note_orphans(provider, listed, now=now)
    orphans = OwnId.objects.filter(provider=provider, explained=Explanation.ORPHAN).count()
    # While something is in doubt, an orphan is likely the order in doubt.
    if orphans and not ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.IN_DOUBT).exists():
        counted = ngettext("%(count)d order", "%(count)d orders", orphans) % {"count": orphans}
        raise_alert(causes.UNKNOWN_ORDERS, now=now, provider=provider.pk, name=provider.name, counted=counted)
    return found
