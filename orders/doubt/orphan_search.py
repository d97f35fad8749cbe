"""The daily search for orders under our key that nobody knows: a list for the owner, and never an explanation."""

from datetime import timedelta

from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Provider
from notices.alerts import raise_alert
from notices.models import Severity
from orders.books import orphans as books
from orders.books.orphans import Orphan
from orders.doubt import probing
from orders.doubt.evidence import CALLS_PER_DOUBT, ids_per_call, newest_own_id
from orders.models import Explanation, ForwardAttempt, OwnId, ProbeSchedule
from orders.states import Outcome

EVERY = timedelta(days=1)


def scan_if_due(this: probing.Search, schedule: ProbeSchedule) -> int:
    """Go on searching from where the last scan ended; how many orphans are new. Raises probing.ForeignIdsShown.

    One call of this asks no more than a doubt may; a scan that is not at its end is due again at once.
    """
    now, newest = this.clock.now(), newest_own_id(this.provider)
    if newest is None or (schedule.next_scan_at is not None and schedule.next_scan_at > now):
        return 0
    start = schedule.scanned_to if schedule.scanned_to is not None else _first(this.provider)
    end = min(newest, start + CALLS_PER_DOUBT * ids_per_call(this.provider) + 1)
    if end > start + 1:
        done = probing.search(this, [(start, end)], newest=newest)
        if [start, end] not in done.ranges:
            return 0  # stopped, or the end of another search that had to be finished first
    at_end = end == newest
    # The bounds of a search are exclusive, and one that was cut short ends with an id that was not asked for.
    schedule.scanned_to = end if at_end else end - 1
    schedule.next_scan_at = now + EVERY if at_end else now
    schedule.save(update_fields=["scanned_to", "next_scan_at"])
    return mark_orphans(this.provider, this) if at_end else 0


def _first(provider: Provider) -> int:
    ours = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT)
    return int(ours.aggregate(first=Min("number"))["first"] or 0)


def mark_orphans(provider: Provider, this: probing.Search) -> int:
    """Call what nobody explains an orphan, once no send that may explain it is under way."""
    nobodys = OwnId.objects.filter(provider=provider, explained="")
    sending = ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.SENDING).aggregate(since=Min("sent_at"))
    if sending["since"] is not None:
        nobodys = nobodys.filter(first_seen_at__lt=sending["since"])
    listed = [Orphan(own.upstream_id, own.charge, own.state) for own in nobodys]
    found = nobodys.update(explained=Explanation.ORPHAN)
    books.note(provider, listed, now=this.clock.now())
    in_doubt = ForwardAttempt.objects.filter(provider=provider, outcome=Outcome.IN_DOUBT)
    orphans = OwnId.objects.filter(provider=provider, explained=Explanation.ORPHAN).count()
    if orphans and not in_doubt.exists():  # else one of them is likely what the search is looking for
        _tell_owner(provider, orphans, this)
    return found


def _tell_owner(provider: Provider, found: int, this: probing.Search) -> None:
    counted = ngettext("%(count)d order", "%(count)d orders", found) % {"count": found}
    raise_alert(
        cause=f"provider:{provider.pk}:orphans",
        severity=Severity.MONEY,
        title=_("%(name)s has orders of our key that the shop does not know") % {"name": provider.name},
        body=_("%(counted)s found. Does anything else order with this key?") % {"counted": counted},
        path=f"/admin/orders/ownid/?explained__exact=orphan&provider__id__exact={provider.pk}",
        now=this.clock.now(),
    )
