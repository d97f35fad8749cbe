"""What pages ask of the ledger. Reads only; each function is one or two statements, whatever the wallet holds."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Sum
from django.db.models.functions import Length

from accounts.models import User
from billing.models import Account, Code, Hold
from billing.months import Month

ZERO = Decimal(0)
PER_PAGE = 50


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
    """One movement of a wallet: ``amount`` is signed (money in is positive), ``balance`` is what was there after it."""

    at: datetime
    code: Code
    amount: Decimal
    balance: Decimal
    reference: str
    memo: str
    key: str


@dataclass(frozen=True)
class StatementPage:
    """One page of a statement, newest entry first; ``number`` counts from 1."""

    entries: list[StatementEntry]
    number: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        return self.number > 1


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
    """What the customer can spend now; 0 before the first movement."""
    found = Account.objects.filter(customer=customer).values_list("balance", flat=True).first()
    return ZERO if found is None else found


def held_of(customer: User) -> Decimal:
    """What is held for the customer's open orders in all."""
    open_holds = Hold.objects.filter(wallet__customer=customer, charged__gt=F("earned") + F("refunded"))
    held: Decimal | None = open_holds.aggregate(held=Sum(F("charged") - F("earned") - F("refunded")))["held"]
    return held or ZERO


def open_holds_of(customer: User) -> OpenHolds:
    """What is held for open orders, order by order, the newest first."""
    rows = (
        Hold.objects.filter(wallet__customer=customer, charged__gt=F("earned") + F("refunded"))
        .order_by(Length("reference").desc(), "-reference")
        .values_list("reference", F("charged") - F("earned") - F("refunded"))
    )
    holds = [OpenHold(reference, held) for reference, held in rows]
    return OpenHolds(sum((h.held for h in holds), ZERO), holds)


# Statements are ordered and cut by the time of a movement; its id decides between movements of one moment.
_MOVES = """
    WITH own AS (SELECT id FROM billing_account WHERE customer_id = %(customer)s)
    SELECT id, created_at, code, reference, memo, key, amount
    FROM billing_transfer WHERE target_id = (SELECT id FROM own)
    UNION ALL
    SELECT id, created_at, code, reference, memo, key, -amount
    FROM billing_transfer WHERE source_id = (SELECT id FROM own)
"""
_STATEMENT = f"""
    SELECT created_at, code, amount, balance, reference, memo, key
    FROM (SELECT m.*, sum(amount) OVER (ORDER BY created_at, id) AS balance FROM ({_MOVES}) m) entry
    WHERE (%(start)s::timestamptz IS NULL OR created_at >= %(start)s)
      AND (%(end)s::timestamptz IS NULL OR created_at < %(end)s)
      AND (%(codes)s::text[] IS NULL OR code = ANY(%(codes)s))
"""  # noqa: S608  # Only constants of this module are put together.
_EQUATION = f"""
    SELECT coalesce(sum(amount) FILTER (WHERE created_at < %(start)s), 0),
           coalesce(sum(amount) FILTER (WHERE created_at >= %(start)s AND code = ANY(%(added)s)), 0),
           coalesce(-sum(amount) FILTER (WHERE created_at >= %(start)s AND code = ANY(%(orders)s)), 0),
           coalesce(sum(amount) FILTER (WHERE created_at >= %(start)s AND code = ANY(%(refunded)s)), 0),
           coalesce(-sum(amount) FILTER (WHERE created_at >= %(start)s AND code = ANY(%(taken)s)), 0),
           coalesce(sum(amount), 0)
    FROM ({_MOVES}) m WHERE created_at < %(end)s
"""  # noqa: S608
_TERMS = {
    "added": [Code.CREDIT.value, Code.TOPUP.value, Code.BONUS.value],
    "orders": [Code.HOLD.value],
    "refunded": [Code.REFUND.value, Code.LATE_REFUND.value],
    "taken": [Code.DEBIT.value, Code.CHARGEBACK.value],
}


def _parameters(
    customer: User,
    month: Month | None,
    start: datetime | None,
    end: datetime | None,
    codes: Collection[str] | None,
) -> dict[str, Any]:
    if month is not None:
        start, end = month.start, month.end
    wanted = None if codes is None else [str(c) for c in codes]
    return {"customer": customer.pk, "start": start, "end": end, "codes": wanted}


def _entry(row: tuple[Any, ...]) -> StatementEntry:
    at, code, *rest = row
    return StatementEntry(at, Code(code), *rest)


def statement(
    customer: User,
    *,
    month: Month | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    codes: Collection[str] | None = None,
    page: int = 1,
    per_page: int = PER_PAGE,
) -> StatementPage:
    """One page of the wallet's movements, newest first; ``start`` is inside the period, ``end`` outside.

    Balances are those of the whole wallet, whatever ``codes`` and the period leave out.
    """
    page = max(1, page)
    asked = _parameters(customer, month, start, end, codes) | {"limit": per_page + 1, "offset": (page - 1) * per_page}
    with connection.cursor() as cursor:
        cursor.execute(f"{_STATEMENT} ORDER BY created_at DESC, id DESC LIMIT %(limit)s OFFSET %(offset)s", asked)
        entries = [_entry(row) for row in cursor.fetchall()]
    return StatementPage(entries[:per_page], page, has_next=len(entries) > per_page)


def statement_rows(
    customer: User,
    *,
    month: Month | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    codes: Collection[str] | None = None,
) -> Iterator[StatementEntry]:
    """The same movements oldest first and without pages, read in pieces: for a file of any length."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{_STATEMENT} ORDER BY created_at, id", _parameters(customer, month, start, end, codes))
        while rows := cursor.fetchmany(1000):
            yield from map(_entry, rows)


def month_equation(customer: User, month: Month) -> MonthEquation:
    """How the month's opening balance became its last one."""
    with connection.cursor() as cursor:
        cursor.execute(_EQUATION, {"customer": customer.pk, "start": month.start, "end": month.end, **_TERMS})
        return MonthEquation(month, *cursor.fetchone())


def months_of(customer: User, *, now: datetime) -> list[Month]:
    """Every month from the first movement to ``now``, newest first; at least the current one."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT min(created_at) FROM ({_MOVES}) m", {"customer": customer.pk})  # noqa: S608
        first = cursor.fetchone()[0]
    month, last = Month.of(first or now), Month.of(now)
    months = [month]
    while month < last:
        month = month.next
        months.append(month)
    return months[::-1]
