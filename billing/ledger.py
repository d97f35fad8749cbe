"""The only writer of money.

A transfer is one row; inserting it is the only thing that changes a balance, and the database's trigger does that in
the same statement. Every function here runs inside the caller's transaction, so that a change and its money are one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from billing.models import Account, AccountKind, Code, Hold, Transfer
from core.money import is_amount
from core.refusals import Refusal
from core.rowset import rowset


class NotEnoughMoney(Refusal):
    """The wallet holds less than the transfer needs. Nothing was posted."""

    code = "not_enough_money"


class DepositHeld(NotEnoughMoney):
    """The wallet holds enough, but a fresh deposit cannot be spent yet. Nothing was posted."""

    code = "deposit_held"


class WalletFrozen(Refusal):
    """The owner froze this wallet."""

    code = "wallet_frozen"


class WalletFull(Refusal):
    """The wallet would hold more than the ledger can count. Nothing was posted."""

    code = "wallet_full"


class KeyReused(Exception):
    """A key was used for two different transfers: a bug in the caller, never a repeat."""


@dataclass(frozen=True)
class Posting:
    """One transfer to make. ``key`` names what it is for and is made before the first try; a repeat posts nothing."""

    key: str
    code: Code
    source_id: int
    target_id: int
    amount: Decimal
    reference: str = ""
    memo: str = ""
    actor: str = ""


#: The id of an account of the shop's own, by its kind.
OwnAccount = Callable[[AccountKind], int]

_INSERT = """
    INSERT INTO billing_transfer (key, code, source_id, target_id, amount, reference, memo, actor, created_at)
    SELECT p.key, p.code, p.source_id, p.target_id, p.amount, p.reference, p.memo, p.actor, statement_timestamp()
    FROM ROWS FROM (json_to_recordset(%s) AS (
            key text, code text, source_id bigint, target_id bigint,
            amount numeric, reference text, memo text, actor text
        )) WITH ORDINALITY AS p(key, code, source_id, target_id, amount, reference, memo, actor, place)
    ORDER BY p.place
    ON CONFLICT (key) DO NOTHING
    RETURNING key
"""


#: What of the balance of a wallet ``w`` can be spent when the statement runs; below 0 if held money was taken back.
SPENDABLE_SQL = """
    w.balance - CASE WHEN w.held_until > statement_timestamp() THEN
        (SELECT coalesce(sum(d.amount), 0) FROM billing_helddeposit d
         WHERE d.wallet_id = w.id AND d.released_at IS NULL AND d.until > statement_timestamp())
    ELSE 0 END
"""

#: Selects the one row that a placement needs: the wallet of the customer whose id is the expression ``{customer}``.
WALLET_SQL = f"""
    SELECT w.id AS wallet_id, w.balance, {SPENDABLE_SQL} AS spendable, w.frozen_at IS NOT NULL AS is_frozen,
           (SELECT id FROM billing_account
            WHERE kind = '{AccountKind.HELD}' AND name = '{AccountKind.HELD}' AND customer_id IS NULL) AS held_id
    FROM billing_account w WHERE w.customer_id = {{customer}}
"""  # noqa: S608 - words of our own

#: Moves the charge of an order into its hold, as a part of the statement that writes the order. That statement has a
#: part ``held`` with the columns reference, wallet_id, held_id and amount. The triggers refuse what they always refuse.
HOLD_SQL = f"""
    INSERT INTO billing_transfer (key, code, source_id, target_id, amount, reference, memo, actor, created_at)
    SELECT held.reference || ':hold', '{Code.HOLD}', held.wallet_id, held.held_id, held.amount, held.reference, '', '',
           statement_timestamp()
    FROM held
"""  # noqa: S608 - words of our own


def wallet_of(customer: User) -> Account:
    """Return the customer's wallet. The database opened it when the customer was added; staff have none."""
    return Account.objects.get(customer=customer)


def own_account_id(kind: AccountKind, name: str = "") -> int:
    """Return the id of one of the shop's own accounts, created when first asked for. Gateways differ by ``name``."""
    wanted: dict[str, Any] = {"kind": kind, "name": name or kind.value, "customer": None}
    found = Account.objects.filter(**wanted).values_list("id", flat=True).first()
    return found if found is not None else Account.objects.get_or_create(**wanted)[0].pk


def post(postings: Sequence[Posting]) -> int:
    """Post each transfer once; return how many were new. Atomic: all of them or none.

    Wallets are locked in the order of ``postings``: callers that touch several sort them by wallet id.
    Raises NotEnoughMoney, KeyReused, ValueError for an amount that is no amount.
    """
    for p in postings:
        if not is_amount(p.amount):
            raise ValueError(f"{p.key}: {p.amount} cannot be posted")
    if not postings:
        return 0
    rows = rowset(vars(p) | {"memo": p.memo[:300], "actor": p.actor[:254]} for p in postings)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_INSERT, [rows])
            new = {row[0] for row in cursor.fetchall()}
    except IntegrityError as problem:
        if (refusal := refusal_of(problem)) is None:
            raise
        raise refusal from problem
    repeats = [p for p in postings if p.key not in new]
    posted = {t.key: t for t in Transfer.objects.filter(key__in=[p.key for p in repeats])} if repeats else {}
    for p in repeats:
        wanted = (p.code, p.source_id, p.target_id, p.amount, p.reference)
        first = posted.get(p.key)
        if first is None or (first.code, first.source_id, first.target_id, first.amount, first.reference) != wanted:
            raise KeyReused(f"{p.key} was posted before, for something else")
    return len(new)


def refusal_of(problem: IntegrityError) -> Refusal | None:
    """Return the refusal for the customer behind a database error, None if the error is a bug of ours."""
    constraint = getattr(getattr(problem.__cause__, "diag", None), "constraint_name", None)
    if constraint == "deposit_is_held":
        return deposit_is_held()
    return too_little_money() if constraint == "wallet_never_negative" else None


def too_little_money() -> NotEnoughMoney:
    return NotEnoughMoney(_("There is not enough money in the wallet."))


def deposit_is_held() -> DepositHeld:
    return DepositHeld(_("A part of your balance cannot be spent yet. Your wallet says from when it can."))


def wallet_is_frozen() -> WalletFrozen:
    return WalletFrozen(_("This wallet is frozen. Please contact the shop."))


def settlement_postings(
    hold_row: Hold,
    due: Decimal,
    *,
    close: bool,
    memo: str = "",
    actor: str = "",
    account_of: OwnAccount = own_account_id,
) -> list[Posting]:
    """Return the postings that bring a hold to its target: ``due`` refunded in all, with ``close`` the rest earned.

    It works towards a target: a repeat gives an empty list, and a smaller ``due`` than before takes nothing back.
    A refund comes out of what is held, and once that is used up out of what was earned. ``account_of`` is for callers
    that settle many holds and remember the ids of the shop's own accounts.
    """
    held = hold_row.charged - hold_row.earned - hold_row.refunded
    missing = max(Decimal(0), min(due, hold_row.charged) - hold_row.refunded)
    from_held = min(missing, held)
    from_earned = missing - from_held
    ref, postings = hold_row.reference, []
    total = hold_row.refunded
    if from_held:
        total += from_held
        key, source = f"{ref}:release:{total:.5f}", account_of(AccountKind.HELD)
        postings.append(Posting(key, Code.REFUND, source, hold_row.wallet_id, from_held, ref, memo, actor))
    if from_earned:
        total += from_earned
        key, source = f"{ref}:late_refund:{total:.5f}", account_of(AccountKind.REVENUE)
        postings.append(Posting(key, Code.LATE_REFUND, source, hold_row.wallet_id, from_earned, ref, memo, actor))
    if close and held - from_held:
        source, target = account_of(AccountKind.HELD), account_of(AccountKind.REVENUE)
        postings.append(Posting(f"{ref}:settle", Code.SETTLE, source, target, held - from_held, ref, memo, actor))
    return postings


def share_postings(
    hold_row: Hold, earned: Decimal, *, earned_by: str, account_of: OwnAccount = own_account_id
) -> list[Posting]:
    """Return the postings until ``earned`` of a hold is earned; it stays open, and nothing earned is taken back.

    ``earned_by`` names what earned it (``child:7``), at most once for each hold.
    """
    held = hold_row.charged - hold_row.earned - hold_row.refunded
    missing = min(held, earned - hold_row.earned)
    if missing <= 0:
        return []
    ref, source, target = hold_row.reference, account_of(AccountKind.HELD), account_of(AccountKind.REVENUE)
    return [Posting(f"{ref}:settle:{earned_by}", Code.SETTLE, source, target, missing, ref)]


def credit(*, customer: User, amount: Decimal, reason: str, reference: str, actor: str) -> bool:
    """Put the owner's money into a customer's wallet; return False if ``reference`` was credited before.

    Raises ValueError for a bad amount or no reason, WalletFull, KeyReused if the reference was used for another credit.
    """
    if not reason.strip():
        raise ValueError(_("A credit needs a reason."))
    source = own_account_id(AccountKind.OWNER)
    posting = Posting(
        f"credit:{reference}",
        Code.CREDIT,
        source,
        wallet_of(customer).pk,
        amount,
        f"credit:{reference}"[:60],
        reason,
        actor,
    )
    try:
        return post([posting]) == 1
    except NotEnoughMoney as problem:
        # One constraint guards both ends of a balance, and a credit can only reach the upper one.
        raise WalletFull(_("The wallet would hold more than the ledger can count.")) from problem


def debit(*, customer: User, amount: Decimal, reason: str, reference: str, actor: str) -> bool:
    """Take money out of a customer's wallet, as a correction. Raises as :func:`credit`, and NotEnoughMoney."""
    if not reason.strip():
        raise ValueError(_("A debit needs a reason."))
    target = own_account_id(AccountKind.OWNER)
    posting = Posting(
        f"debit:{reference}",
        Code.DEBIT,
        wallet_of(customer).pk,
        target,
        amount,
        f"debit:{reference}"[:60],
        reason,
        actor,
    )
    return post([posting]) == 1
