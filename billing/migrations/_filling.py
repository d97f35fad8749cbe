"""Fills in the lines of wallets whose transfers are older than the lines, while the shop goes on posting.

What it rests on:

1. Each posting locks its wallet's row until its commit, and transfers never change. So the committed transfers of a
   locked wallet are all there will be until the lock is released.
2. The trigger writes no line for a wallet whose ``lines`` are NULL, and continues the history of every other wallet.
3. A batch of wallets is one transaction. It writes the lines of all transfers up to a bound below which no transfer can
   still appear, which locks nothing. Then it locks the wallets, adds the lines of the few transfers after the bound, and
   sets ``lines``, which is the moment at which the trigger takes over.

An interruption takes back one batch, and the next run goes on with it.
"""

from collections.abc import Iterator
from typing import Any

from django.db import transaction

#: Lines in a batch, unless one wallet alone has more.
BATCH = 20_000

#: As the trigger moves them: no code goes from wallet to wallet.
_WALLET = """CASE WHEN code IN ('hold', 'debit', 'chargeback') THEN source_id
                  WHEN code IN ('credit', 'topup', 'bonus', 'release', 'late_refund') THEN target_id END"""
_UNFILLED = f"""
    SELECT a.id, coalesce(t.n, 0) FROM billing_account a
    LEFT JOIN (SELECT {_WALLET} AS wallet, count(*) AS n FROM billing_transfer GROUP BY 1) t ON t.wallet = a.id
    WHERE a.lines IS NULL ORDER BY a.id
"""  # noqa: S608 - words of our own
#: The lines of these wallets for their transfers between two ids, which go on where the last line stopped.
_FILL = f"""
    INSERT INTO billing_walletline (transfer_id, wallet_id, number, code, at, balance, added, spent, refunded, taken)
    SELECT m.id, m.wallet, coalesce(last.number, 0) + row_number() OVER so_far, m.code,
           greatest(last.at, max(m.created_at) OVER so_far),
           coalesce(last.balance, 0) + sum(CASE WHEN m.is_in THEN m.amount ELSE -m.amount END) OVER so_far,
           coalesce(last.added, 0)
           + sum(CASE WHEN m.code IN ('credit', 'topup', 'bonus') THEN m.amount ELSE 0 END) OVER so_far,
           coalesce(last.spent, 0) + sum(CASE WHEN m.code = 'hold' THEN m.amount ELSE 0 END) OVER so_far,
           coalesce(last.refunded, 0)
           + sum(CASE WHEN m.code IN ('release', 'late_refund') THEN m.amount ELSE 0 END) OVER so_far,
           coalesce(last.taken, 0)
           + sum(CASE WHEN m.code IN ('debit', 'chargeback') THEN m.amount ELSE 0 END) OVER so_far
    FROM (
        SELECT id, {_WALLET} AS wallet, target_id = {_WALLET} AS is_in, code, amount, created_at FROM billing_transfer
        WHERE id > %(after)s AND id <= %(bound)s
          AND (source_id = ANY(%(wallets)s) OR target_id = ANY(%(wallets)s))
    ) m
    LEFT JOIN LATERAL (
        SELECT * FROM billing_walletline l WHERE l.wallet_id = m.wallet AND l.number = (
            SELECT max(number) FROM billing_walletline WHERE wallet_id = m.wallet
        )
    ) last ON %(after)s > 0
    WINDOW so_far AS (PARTITION BY m.wallet ORDER BY m.created_at, m.id)
"""  # noqa: S608 - words of our own
_LAST = 2**63 - 1


def fill_in(connection: Any) -> None:
    bound = _bound(connection)
    for wallets in _batches(connection):
        _fill(connection, wallets, bound)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE billing_walletline")


def _bound(connection: Any) -> int:
    """Return an id up to which every transfer is committed, once all postings by the trigger of before are over.

    The lock waits for each transaction that has posted, and those that want to post wait for it: as long as the longest
    of these transactions takes. It is released at once.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE billing_transfer IN SHARE MODE")
        cursor.execute("SELECT coalesce(max(id), 0) FROM billing_transfer")
        bound: int = cursor.fetchone()[0]
    return bound


def _batches(connection: Any) -> Iterator[list[int]]:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_account SET lines = 0 WHERE lines IS NULL AND kind <> 'wallet'")
        cursor.execute(_UNFILLED)
        unfilled = cursor.fetchall()
    batch: list[int] = []
    lines = 0
    for wallet, count in unfilled:
        if batch and (lines + count > BATCH or len(batch) >= 1000):
            yield batch
            batch, lines = [], 0
        batch.append(wallet)
        lines += count
    if batch:
        yield batch


def _fill(connection: Any, wallets: list[int], bound: int) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(_FILL, {"wallets": wallets, "after": 0, "bound": bound})
        # In the order of ids, as everybody who locks several.
        cursor.execute("SELECT 1 FROM billing_account WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [wallets])
        cursor.execute(_FILL, {"wallets": wallets, "after": bound, "bound": _LAST})
        cursor.execute(
            "UPDATE billing_account a SET lines ="
            " coalesce((SELECT max(number) FROM billing_walletline WHERE wallet_id = a.id), 0) WHERE a.id = ANY(%s)",
            [wallets],
        )
