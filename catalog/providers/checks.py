"""How a provider is doing: looks at its account and its list, and lifts a parking that an answer disproves.

Other rooms note what they saw through :func:`note_answer`, :func:`note_outage` and :func:`park`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.models import Provider
from catalog.providers.account import read_balance
from catalog.providers.claims import claim
from catalog.providers.fetch import NoList, describe, fetch_list
from catalog.providers.health import note_outage
from core.clock import database_now, elapsed_clock
from core.secrets import SecretUnreadable
from upstream.errors import ProviderFailure

#: After this many seconds no further provider is claimed; the rest keeps its turn in the next round.
_ENOUGH = 5


@dataclass
class ConnectionReport:
    """What a look at a provider found. ``problems`` stop it from being used, ``notes`` are worth knowing."""

    balance: Decimal | None = None
    currency: str | None = None
    services: int | None = None
    quarantined: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.problems


def check_connection(provider: Provider, *, now: datetime) -> ConnectionReport:
    """Ask for the balance and the list, and take over only the balance. The key appears nowhere in the report."""
    report = ConnectionReport()
    _test_balance(provider, report, now)
    _test_list(provider, report)
    return report


def probe_parked(*, now: datetime) -> int:
    """Ask parked providers for their balance, each at its own pace; how many were asked."""
    started, asked = elapsed_clock(), 0
    until = now + timedelta(seconds=settings.READ_DEADLINE_SECONDS + 60)
    while elapsed_clock() - started < _ENOUGH and (provider := claim(_to_probe(now), "next_probe_at", until=until)):
        asked += 1
        try:
            read_balance(provider, now=database_now())
        except (ProviderFailure, SecretUnreadable) as failure:
            note_outage(provider.pk, now=database_now(), detail=str(failure))
    return asked


def _to_probe(now: datetime) -> Q:
    return Q(is_active=True, parked_at__isnull=False) & (Q(next_probe_at=None) | Q(next_probe_at__lte=now))


def _test_balance(provider: Provider, report: ConnectionReport, now: datetime) -> None:
    try:
        heard = read_balance(provider, now=now)
    except SecretUnreadable as problem:
        report.problems.append(str(problem))
        return
    except ProviderFailure as failure:
        report.problems.append(_("No balance: %(problem)s") % {"problem": describe(failure)})
        return
    report.balance, report.currency = heard.amount, heard.currency
    if heard.currency is None:
        report.notes.append(_("The balance names no currency; %(ours)s is assumed.") % {"ours": provider.currency})
    elif heard.currency != provider.currency:
        facts = {"heard": heard.currency, "ours": provider.currency}
        report.problems.append(_("The account is in %(heard)s, the settings say %(ours)s.") % facts)
    if heard.amount <= 0:
        report.notes.append(_("There is no money in the account."))


def _test_list(provider: Provider, report: ConnectionReport) -> None:
    try:
        listing = fetch_list(provider)
    except NoList as problem:
        report.problems.append(_("No price list: %(problem)s") % {"problem": problem.problem})
        return
    report.services = len(listing.rows)
    report.quarantined = sum(bool(row.quarantine) for row in listing.rows)
    if listing.noise:
        report.notes.append(_("Error messages of the provider's own programs stand before its list."))
    if listing.skipped:
        report.notes.append(_("%(count)d rows of the list are repeats or no services.") % {"count": listing.skipped})
