"""What pages ask of the ledger. Reads only; each function is one or two statements, whatever the wallet holds."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F
from django.db.models.functions import Length

from accounts.models import User
from billing.ledger import SPENDABLE_SQL
from billing.models import Account, Code, Hold
from billing.months import Month

ZERO = Decimal(0)
PER_PAGE = 50


_FUNDS = f"SELECT w.balance, {SPENDABLE_SQL} FROM billing_account w WHERE w.customer_id = %s"  # noqa: S608 - our own words


@dataclass(frozen=True)
class Funds:
    """A balance, and what of it can be spent: the rest are deposits that are held."""

    balance: Decimal = Decimal(0)
    spendable: Decimal = Decimal(0)

    @property
    def held(self) -> Decimal:
        return self.balance - self.spendable


@dataclass(frozen=True)
class OpenHold:
    """Money of one order in flight; ``reference`` is the order's name in the ledger, such as "order:1042"."""

    reference: str
    held: Decimal


@dataclass(frozen=True)
class OpenHolds:
    """What open orders hold of one wallet."""

    total: Decimal
    holds: list[OpenHold]


@dataclass(frozen=True)
class StatementEntry:
    """One movement of a wallet: ``amount`` is signed (money in is positive), ``balance`` is what was there after it.

    ``number`` counts a wallet's movements from 1, in the order in which its balance moved.
    """

    number: int
    at: datetime
    code: Code
    amount: Decimal
    balance: Decimal
    reference: str
    memo: str
    key: str


@dataclass(frozen=True)
class StatementPage:
    """One page of a statement, newest entry first; it says whether there are newer and older ones."""

    entries: list[StatementEntry]
    has_newer: bool
    has_older: bool

    @property
    def last(self) -> StatementEntry:
        """The oldest entry of the page, which has one."""
        return self.entries[-1]


@dataclass(frozen=True)
class MonthEquation:
    """opening + added − orders + refunded − taken = balance, every term 0 or more.

    ``taken`` is what the owner took out and what was charged back: 0 for nearly everybody.
    """

    month: Month
    opening: Decimal
    added: Decimal
    orders: Decimal
    refunded: Decimal
    taken: Decimal
    balance: Decimal


def balance_of(customer: User) -> Decimal:
    """What is in the customer's wallet, with deposits that are held; 0 before the first movement."""
    found = Account.objects.filter(customer=customer).values_list("balance", flat=True).first()
    return ZERO if found is None else found


def funds_of(customer: User) -> Funds:
    """Return the customer's balance and what of it can be spent now."""
    with connection.cursor() as cursor:
        cursor.execute(_FUNDS, [customer.pk])
        row = cursor.fetchone()
    return Funds(row[0], max(ZERO, row[1])) if row else Funds()


def open_holds_of(customer: User) -> OpenHolds:
    """What is held for open orders, order by order, the newest first."""
    rows = (
        Hold.objects.filter(wallet__customer=customer, charged__gt=F("earned") + F("refunded"))
        .order_by(Length("reference").desc(), "-reference")
        .values_list("reference", F("charged") - F("earned") - F("refunded"))
    )
    holds = [OpenHold(reference, held) for reference, held in rows]
    return OpenHolds(sum((h.held for h in holds), ZERO), holds)


# The lines of a wallet are numbered without a gap, and their times never go back. So the last line before a moment is
# found by halving: about twenty looks at one index for a million lines.
_EDGES = """
    own AS (SELECT id, lines FROM billing_account WHERE customer_id = %(customer)s),
    edge (moment, low, high) AS (
        SELECT moment, 0::bigint, own.lines FROM own, unnest(ARRAY[%(start)s, %(end)s]::timestamptz[]) moment
        WHERE moment IS NOT NULL
        UNION ALL
        SELECT e.moment, CASE WHEN l.at < e.moment THEN l.number ELSE e.low END,
               CASE WHEN l.at < e.moment THEN e.high ELSE l.number - 1 END
        FROM edge e, own, billing_walletline l
        WHERE e.low < e.high AND l.wallet_id = own.id AND l.number = (e.low + e.high + 1) / 2
    )
"""
_LAST_BEFORE = "(SELECT low FROM edge WHERE low = high AND moment = %({moment})s)"
# The lines are cut first, so that no more transfers are looked up than are shown.
_STATEMENT = f"""
    WITH RECURSIVE {_EDGES}, line AS MATERIALIZED (
        SELECT * FROM billing_walletline WHERE wallet_id = (SELECT id FROM own)
           AND number > greatest(coalesce({_LAST_BEFORE.format(moment="start")}, 0), %(after)s)
           AND number <= least((SELECT lines FROM own), {_LAST_BEFORE.format(moment="end")}, %(before)s - 1)
           {{codes}}
        ORDER BY number {{order}} LIMIT %(limit)s
    )
    SELECT l.number, l.at, l.code, CASE l.wallet_id WHEN t.target_id THEN t.amount ELSE -t.amount END, l.balance,
           t.reference, t.memo, t.key
    FROM line l JOIN billing_transfer t ON t.id = l.transfer_id ORDER BY l.number {{order}}
"""  # noqa: S608  # Only constants of this module are put together.
_EQUATION = f"""
    WITH RECURSIVE {_EDGES}
    SELECT coalesce(a.balance, 0), coalesce(b.added, 0) - coalesce(a.added, 0),
           coalesce(b.spent, 0) - coalesce(a.spent, 0), coalesce(b.refunded, 0) - coalesce(a.refunded, 0),
           coalesce(b.taken, 0) - coalesce(a.taken, 0), coalesce(b.balance, 0)
    FROM (SELECT 1) one LEFT JOIN own ON true
    LEFT JOIN billing_walletline a ON a.wallet_id = own.id AND a.number = {_LAST_BEFORE.format(moment="start")}
    LEFT JOIN billing_walletline b ON b.wallet_id = own.id AND b.number = {_LAST_BEFORE.format(moment="end")}
"""  # noqa: S608
_FIRST = """
    SELECT at FROM billing_walletline
    WHERE number = 1 AND wallet_id = (SELECT id FROM billing_account WHERE customer_id = %s)
"""
_NEVER = 2**63 - 1


@dataclass(frozen=True)
class _Asked:
    """The part of a wallet's lines that somebody asks for."""

    customer: User
    start: datetime | None
    end: datetime | None
    codes: Collection[str] | None

    def statement(
        self, *, newest_first: bool, after: int = 0, before: int = _NEVER, limit: int | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Return the SQL that selects them, and its parameters."""
        # Codes are written out, since the planner compares them with the conditions of indexes.
        wanted = "" if self.codes is None else f"AND code IN ({', '.join(f"'{Code(c).value}'" for c in self.codes)})"
        given = {"customer": self.customer.pk, "start": self.start, "end": self.end}
        return (
            _STATEMENT.format(codes=wanted, order="DESC" if newest_first else "ASC"),
            {**given, "after": after, "before": before, "limit": limit},
        )

    def read(self, **cut: Any) -> list[StatementEntry]:
        with connection.cursor() as cursor:
            cursor.execute(*self.statement(**cut))
            return [_entry(row) for row in cursor.fetchall()]


def _asked(
    customer: User,
    month: Month | None,
    start: datetime | None,
    end: datetime | None,
    codes: Collection[str] | None,
) -> _Asked:
    if month is not None:
        start, end = month.start, month.end
    return _Asked(customer, start, end, codes)


def _entry(row: tuple[Any, ...]) -> StatementEntry:
    number, at, code, *rest = row
    return StatementEntry(number, at, Code(code), *rest)


def statement(
    customer: User,
    *,
    month: Month | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    codes: Collection[str] | None = None,
    before: int | None = None,
    after: int | None = None,
    per_page: int = PER_PAGE,
) -> StatementPage:
    """One page of the wallet's movements, newest first; ``start`` is inside the period, ``end`` outside.

    The page begins with the newest movement, or ends just above the one numbered ``after``, or begins just below the
    one numbered ``before``. Any of them costs the same, however long the history is. Balances are those of the whole
    wallet, whatever ``codes`` and the period leave out.
    """
    asked, limit = _asked(customer, month, start, end, codes), per_page + 1
    if after is not None:
        entries = asked.read(newest_first=False, after=after, limit=limit)
        if len(entries) == limit:
            return StatementPage(entries[per_page - 1 :: -1], has_newer=True, has_older=True)
        # Not that many are newer: the newest page, and a full one.
        before = None
    entries = asked.read(newest_first=True, before=_NEVER if before is None else before, limit=limit)
    return StatementPage(entries[:per_page], has_newer=before is not None, has_older=len(entries) == limit)


def statement_rows(
    customer: User,
    *,
    month: Month | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    codes: Collection[str] | None = None,
) -> Iterator[StatementEntry]:
    """The same movements oldest first and without pages, read in pieces: for a file of any length."""
    asked = _asked(customer, month, start, end, codes)
    with connection.chunked_cursor() as cursor:
        cursor.execute(*asked.statement(newest_first=False))
        while rows := cursor.fetchmany(1000):
            yield from map(_entry, rows)


def month_equation(customer: User, month: Month) -> MonthEquation:
    """How the month's opening balance became its last one: the difference of two lines."""
    with connection.cursor() as cursor:
        cursor.execute(_EQUATION, {"customer": customer.pk, "start": month.start, "end": month.end})
        return MonthEquation(month, *cursor.fetchone())


def months_of(customer: User, *, now: datetime) -> list[Month]:
    """Every month from the first movement to ``now``, newest first; at least the current one."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [customer.pk])
        first = cursor.fetchone()
    month, last = Month.of(first[0] if first else now), Month.of(now)
    months = [month]
    while month < last:
        month = month.next
        months.append(month)
    return months[::-1]
