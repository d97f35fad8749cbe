"""R1: opening balance, plus deposits, less the charges of orders, is what the provider reports.

Compared only when it is quiet: two readings that are equal, with nothing sent, charged or entered between them.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Provider
from catalog.providers.account import read_balance
from core.clock import database_now
from core.money import EXACT, LIMIT
from notices import causes
from notices.alerts import close_alert, raise_alert
from orders.books import breaks, entries
from orders.books.figures import Figures, figures_of
from orders.books.suspects import suspects_of
from orders.models import BalanceReading, BreakKind, EntryKind, ReconciliationBreak


def read(provider: Provider, *, now: datetime) -> BalanceReading | None:
    """Ask for the balance, keep the answer beside our own figures, compare when it is quiet.

    None when the answer is in another currency, or a figure is beyond what a row holds: nothing is compared with it.
    Raises upstream.errors.Unavailable and core.secrets.SecretUnreadable. Must not run inside a transaction.
    """
    before = figures_of(provider.pk)
    heard = read_balance(provider, now=now)
    if heard.currency not in (None, provider.currency):
        return None
    ours = figures_of(provider.pk)
    is_unopened = entries.opening_of(provider.pk) is None and not ours.is_sending and before == ours
    if is_unopened and not _is_beyond(heard.amount, ours):
        # What was bought before the books began is as good as paid from an older balance.
        entries.enter(
            provider,
            EntryKind.OPENING,
            EXACT.subtract(heard.amount, ours.ours),
            key=f"provider:{provider.pk}:opening",
            memo=_("First reading"),
            actor="timetable",
            now=now,
        )
        before = ours = figures_of(provider.pk)
    if _is_beyond(heard.amount, ours):
        raise_alert(
            causes.FIGURES_TOO_LARGE,
            now=now,
            provider=provider.pk,
            name=provider.name,
            amount=f"{heard.amount.normalize(EXACT):f}",
            entries=f"{ours.entries.normalize(EXACT):f}",
            charges=f"{ours.charges.normalize(EXACT):f}",
            limit=f"{LIMIT:f}",
        )
        return None
    close_alert(causes.FIGURES_TOO_LARGE, now=now, provider=provider.pk)
    with transaction.atomic():
        return _keep(provider, heard.amount, ours, is_steady=before == ours and not ours.is_sending, now=now)


def _is_beyond(amount: Decimal, ours: Figures) -> bool:
    """Whether a figure of a reading, or the difference, is too large for its row: each charge may fit, many not."""
    figures = (amount, ours.entries, ours.charges, EXACT.subtract(amount, ours.ours))
    return any(abs(figure) >= LIMIT for figure in figures)


def _keep(provider: Provider, amount: Decimal, ours: Figures, *, is_steady: bool, now: datetime) -> BalanceReading:
    last = BalanceReading.objects.filter(provider=provider).first()
    reading = BalanceReading.objects.create(
        provider=provider,
        at=database_now(),
        amount=amount,
        currency=provider.currency,
        entries=ours.entries,
        charges=ours.charges,
        sends=ours.sends,
        is_quiet=is_steady and last is not None and _same(last, ours, amount),
    )
    if reading.is_quiet:
        compare(reading, now=now)
    return reading


def compare(reading: BalanceReading, *, now: datetime) -> None:
    """Write the difference down as a break, or close the one that was there."""
    if reading.difference == 0:
        open_ones = ReconciliationBreak.objects.filter(
            provider=reading.provider, kind=BreakKind.BALANCE, closed_at=None
        )
        for row in open_ones:
            breaks.gone(row, now=now)
        return
    breaks.see(
        reading.provider,
        BreakKind.BALANCE,
        amount=reading.difference,
        facts={
            "reported": f"{reading.amount.normalize():f}",
            "ours": f"{reading.ours.normalize():f}",
            "reading": reading.pk,
        },
        suspects=suspects_of(reading.provider),
        now=now,
    )


def _same(last: BalanceReading, ours: Figures, amount: object) -> bool:
    return (last.amount, last.entries, last.charges, last.sends, last.currency) == (
        amount,
        ours.entries,
        ours.charges,
        ours.sends,
        last.provider.currency,
    )
