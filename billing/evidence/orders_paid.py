"""Which orders the money of a top-up paid: first in, first out, along the lines of the wallet."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from billing.models import Code, TopUp, WalletLine

ZERO = Decimal(0)
_OUT = frozenset({Code.DEBIT, Code.CHARGEBACK, Code.TOPUP_REFUND, Code.BONUS_BACK})
_BACK = frozenset({Code.REFUND, Code.LATE_REFUND})


@dataclass(frozen=True)
class PaidOrder:
    """What a top-up paid of one order in all, and what of that is back in the wallet."""

    reference: str
    paid: Decimal
    refunded: Decimal

    @property
    def kept(self) -> Decimal:
        return self.paid - self.refunded


@dataclass
class _Part:
    """Money in the wallet, or spent on one order; ``is_own`` if it came with the top-up."""

    is_own: bool
    amount: Decimal


def orders_paid_by(topup: TopUp) -> list[PaidOrder]:
    """Return the orders that the money of a top-up paid, in the order in which it did.

    What was in the wallet first is spent first. A refund is in the wallet again before everything else, as what it was.
    Money of a bonus is not money of the payment.
    """
    lines = WalletLine.objects.filter(wallet__customer=topup.customer_id).order_by("number")
    wallet: deque[_Part] = deque()
    spent: dict[str, list[_Part]] = {}
    paid: dict[str, Decimal] = {}
    refunded: dict[str, Decimal] = {}
    rows = lines.values_list("code", "transfer__reference", "transfer__amount")
    for code, reference, amount in rows.iterator(chunk_size=2_000):
        if code == Code.HOLD:
            parts = spent.setdefault(reference, [])
            for part in _taken(wallet, amount):
                parts.append(part)
                if part.is_own:
                    paid[reference] = paid.get(reference, ZERO) + part.amount
        elif code in _BACK:
            for part in _taken_last(spent.get(reference, []), amount):
                wallet.appendleft(part)
                if part.is_own:
                    refunded[reference] = refunded.get(reference, ZERO) + part.amount
        elif code in _OUT:
            _taken(wallet, amount)
        else:
            wallet.append(_Part(code == Code.TOPUP and reference == topup.ledger_reference, amount))
    return [PaidOrder(reference, amount, refunded.get(reference, ZERO)) for reference, amount in paid.items()]


def _taken(wallet: deque[_Part], amount: Decimal) -> list[_Part]:
    """Take ``amount`` from the front of the wallet; return what was taken."""
    found: list[_Part] = []
    while amount > 0 and wallet:
        first = wallet[0]
        part = _Part(first.is_own, min(first.amount, amount))
        first.amount, amount = first.amount - part.amount, amount - part.amount
        if not first.amount:
            wallet.popleft()
        found.append(part)
    return found


def _taken_last(parts: list[_Part], amount: Decimal) -> list[_Part]:
    """Take ``amount`` from what an order took last; return what was taken, the last first."""
    found: list[_Part] = []
    while amount > 0 and parts:
        last = parts[-1]
        part = _Part(last.is_own, min(last.amount, amount))
        last.amount, amount = last.amount - part.amount, amount - part.amount
        if not last.amount:
            parts.pop()
        found.append(part)
    return found
