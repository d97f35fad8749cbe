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
    """Ask for the balance, store it with our own figures, compare them when it is quiet; return what was stored.

    None if the answer is in another currency, or a figure is beyond what a row holds: nothing is compared with it.
    Raises upstream.errors.Unavailable and core.secrets.SecretUnreadable. Must not run inside a transaction.
    """
    # 1. Ask, with our figures read before and after: nothing may have moved meanwhile.
    before = figures_of(provider.pk)
    reported = read_balance(provider, now=now)
    if reported.currency not in (None, provider.currency):
        return None
    ours = figures_of(provider.pk)
    # 2. The first quiet reading opens the account: what was bought before that counts as paid from an older balance.
    is_unopened = entries.opening_of(provider.pk) is None and not ours.is_sending and before == ours
    if is_unopened and not _is_beyond(reported.amount, ours):
        entries.enter(
            provider,
            EntryKind.OPENING,
            EXACT.subtract(reported.amount, ours.ours),
            key=f"provider:{provider.pk}:opening",
            memo=_("First reading"),
            actor="timetable",
            now=now,
        )
        before = ours = figures_of(provider.pk)
    # 3. Figures that no row can hold are for the owner to look at.
    if _is_beyond(reported.amount, ours):
        raise_alert(
            causes.FIGURES_TOO_LARGE,
            now=now,
            provider=provider.pk,
            name=provider.name,
            amount=f"{reported.amount.normalize(EXACT):f}",
            entries=f"{ours.entries.normalize(EXACT):f}",
            charges=f"{ours.charges.normalize(EXACT):f}",
            limit=f"{LIMIT:f}",
        )
        return None
    close_alert(causes.FIGURES_TOO_LARGE, now=now, provider=provider.pk)
    # 4. Store and compare.
    is_steady = before == ours and not ours.is_sending
    return _store(provider, reported.amount, ours, is_steady=is_steady, now=now)


@transaction.atomic
def _store(provider: Provider, amount: Decimal, ours: Figures, *, is_steady: bool, now: datetime) -> BalanceReading:
    """Store one reading; compare it if it equals the last one, with nothing sent, charged or entered between them."""
    last = BalanceReading.objects.filter(provider=provider).first()
    facts = (amount, ours.entries, ours.charges, ours.sends, provider.currency)
    is_same = last is not None and facts == (last.amount, last.entries, last.charges, last.sends, last.currency)
    reading = BalanceReading.objects.create(
        provider=provider,
        at=database_now(),
        amount=amount,
        currency=provider.currency,
        entries=ours.entries,
        charges=ours.charges,
        sends=ours.sends,
        is_quiet=is_steady and is_same,
    )
    if reading.is_quiet:
        compare(reading, now=now)
    return reading


def _is_beyond(amount: Decimal, ours: Figures) -> bool:
    """True if a figure of a reading, or the difference, is too large for its row: each charge may fit, many not."""
    figures = (amount, ours.entries, ours.charges, EXACT.subtract(amount, ours.ours))
    return any(abs(figure) >= LIMIT for figure in figures)


def compare(reading: BalanceReading, *, now: datetime) -> None:
    """Record the difference as a break, or close the one that was there."""
    if reading.difference == 0:
        open_ones = ReconciliationBreak.objects.filter(
            provider=reading.provider, kind=BreakKind.BALANCE, closed_at=None
        )
        for row in open_ones:
            breaks.close(row, now=now)
        return
    breaks.record(
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
