"""Asks providers for their account and list: to test a connection, or to find out whether a parked one answers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Provider
from catalog.providers.account import read_balance
from catalog.providers.claims import claim
from catalog.providers.fetch import NoList, describe, fetch_list
from catalog.providers.health import note_outage
from core.clock import database_now, elapsed_clock
from core.secrets import SecretUnreadable
from upstream.errors import ProviderFailure

#: After this many seconds no further provider is claimed; the rest follow in the next round.
_CLAIM_SECONDS = 5


class Verdict(StrEnum):
    """How a question of the test ended."""

    WORKS = "works"
    NOTE = "note"
    FAILS = "fails"


@dataclass
class ConnectionReport:
    """The result of a connection test. ``problems`` prevent use of the provider, ``notes`` are worth knowing.

    ``lines`` has one line for each question: the question, what was found, the verdict, and the seconds it took.
    """

    lines: list[dict[str, str]] = field(default_factory=list)
    balance: Decimal | None = None
    currency: str | None = None
    services: int | None = None
    quarantined: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.problems

    def add(self, question: str, good: str, *, seconds: float, since: tuple[int, int]) -> None:
        """Add the line of a question; what was noted ``since`` these counts of problems and notes decides it."""
        problems, notes = self.problems[since[0] :], self.notes[since[1] :]
        verdict = Verdict.FAILS if problems else Verdict.NOTE if notes else Verdict.WORKS
        words = " ".join([*([] if problems else [good]), *problems, *notes])
        self.lines.append(
            {"question": question, "words": words[:600], "verdict": verdict.value, "seconds": f"{seconds:.1f}"}
        )


def check_connection(provider: Provider, *, now: datetime) -> ConnectionReport:
    """Ask for the balance and the list, store the balance and what was found, and return a report.

    The key never appears in it. Must not run inside a transaction: it waits for the network.
    """
    report = ConnectionReport()
    _test_account(provider, report, now=now)
    _test_list(provider, report)
    provider.last_test, provider.tested_at = report.lines, now
    provider.save(update_fields=["last_test", "tested_at"])
    return report


def _test_account(provider: Provider, report: ConnectionReport, *, now: datetime) -> None:
    started, good = elapsed_clock(), ""
    try:
        balance = read_balance(provider, now=now)
    except SecretUnreadable as problem:
        report.problems.append(str(problem))
    except ProviderFailure as failure:
        report.problems.append(_("No balance: %(problem)s") % {"problem": describe(failure)})
    else:
        report.balance, report.currency = balance.amount, balance.currency
        facts = {"theirs": balance.currency, "ours": provider.currency}
        if balance.currency is None:
            report.notes.append(_("The balance names no currency; %(ours)s is assumed.") % facts)
        elif balance.currency != provider.currency:
            report.problems.append(_("The account is in %(theirs)s, the settings say %(ours)s.") % facts)
        if balance.amount <= 0:
            report.notes.append(_("There is no money in the account."))
        money = {"amount": f"{balance.amount.normalize():,f}", "currency": balance.currency or provider.currency}
        good = _("Balance: %(amount)s %(currency)s.") % money
    report.add(_("Does it take the key?"), good, seconds=elapsed_clock() - started, since=(0, 0))


def _test_list(provider: Provider, report: ConnectionReport) -> None:
    started, since = elapsed_clock(), (len(report.problems), len(report.notes))
    good = ""
    try:
        listing = fetch_list(provider)
    except NoList as problem:
        report.problems.append(_("No price list: %(problem)s") % {"problem": problem.problem})
    else:
        report.services = len(listing.rows)
        report.quarantined = sum(bool(row.quarantine) for row in listing.rows)
        counted = ngettext("%(count)s service.", "%(count)s services.", report.services)
        good = counted % {"count": f"{report.services:,}"}
        if listing.noise:
            report.notes.append(_("Error messages of the provider's own software come before its list."))
        if listing.skipped:
            counted = ngettext(
                "%(count)d row of the list is a repeat or not a service.",
                "%(count)d rows of the list are repeats or not services.",
                listing.skipped,
            )
            report.notes.append(counted % {"count": listing.skipped})
    report.add(_("Can its list be read?"), good, seconds=elapsed_clock() - started, since=since)


def probe_parked(*, now: datetime) -> int:
    """Ask parked providers that are due for their balance; return how many were asked."""
    started, asked = elapsed_clock(), 0
    due = Q(is_active=True, parked_at__isnull=False) & (Q(next_probe_at=None) | Q(next_probe_at__lte=now))
    until = now + timedelta(seconds=settings.READ_DEADLINE_SECONDS + 60)
    while elapsed_clock() - started < _CLAIM_SECONDS and (provider := claim(due, "next_probe_at", until=until)):
        asked += 1
        try:
            read_balance(provider, now=database_now())
        except (ProviderFailure, SecretUnreadable) as failure:
            note_outage(provider.pk, now=database_now(), detail=str(failure))
    return asked
