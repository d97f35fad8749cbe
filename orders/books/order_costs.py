"""R2: what an order earned less what the provider took for it; what was charged above the price; what is owed to us."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from catalog.models import Provider
from core.money import EXACT, LIMIT
from orders.books import breaks
from orders.books.margins import cost_of, margin_of
from orders.models import BreakKind, Order, ReconciliationBreak
from orders.models.order import DEARER
from orders.states import Forward, Progress

#: Panels round a charge to their own decimals, two at the coarsest; only more than that is a higher price.
ROUNDING = Decimal("0.01")
_REFUNDED = (Progress.CANCELED, Progress.REFUNDED)


@dataclass(frozen=True)
class CostDifference:
    """``amount`` as ReconciliationBreak describes it, ``currency`` empty for the provider's.

    None for an amount beyond what a row can hold: a charge that makes no sense is a difference all the same.
    """

    kind: BreakKind
    amount: Decimal | None
    currency: str = ""


def check_orders(provider: Provider, *, shop_currency: str, now: datetime) -> int:
    """Open a break for each order whose charge is wrong, close those that came right; return how many are open."""
    kinds = (BreakKind.CHARGE, BreakKind.MARGIN, BreakKind.OWED)
    rows = ReconciliationBreak.objects.filter(provider=provider, kind__in=kinds, closed_at=None)
    known = {(row.kind, row.order_id): row for row in rows}
    seen, unchanged = set[tuple[str, int | None]](), []
    for order in _suspicious_orders(provider).iterator(chunk_size=500):
        for d in differences_of(order, shop_currency=shop_currency):
            seen.add((d.kind, order.pk))
            facts, row = _facts(order, d.kind), known.get((d.kind, order.pk))
            if row is not None and (row.amount, row.facts) == (d.amount, facts):
                unchanged.append(row)
                continue
            breaks.record(
                provider, d.kind, amount=d.amount, currency=d.currency or provider.currency, order=order, facts=facts,
                now=now,
            )  # fmt: skip
    breaks.record_unchanged(unchanged, now=now)
    for which, row in known.items():
        if which not in seen:
            breaks.close(row, now=now)
    return len(seen)


def check_order(order_id: int, *, shop_currency: str, now: datetime) -> None:
    """Open the breaks of one order that the owner settled by hand, without waiting for the hourly check."""
    provider = Provider.objects.get(orders=order_id)
    for order in _suspicious_orders(provider).filter(pk=order_id):
        for d in differences_of(order, shop_currency=shop_currency):
            breaks.record(
                provider, d.kind, amount=d.amount, currency=d.currency or provider.currency, order=order,
                facts=_facts(order, d.kind), now=now,
            )  # fmt: skip


def _facts(order: Order, kind: BreakKind) -> dict[str, str | None]:
    charge = None if order.provider_charge is None else f"{order.provider_charge.normalize():f}"
    facts = {"expected": f"{order.expected_charge.normalize():f}", "charge": charge}
    if kind is BreakKind.MARGIN:
        facts |= {"net": f"{order.net_charge:f}", "cost": f"{cost_of(order).amount:f}"}
    return facts


def differences_of(order: Order, *, shop_currency: str) -> Iterator[CostDifference]:
    """What is wrong with one order's charge; nothing until the provider has named it."""
    charge = order.provider_charge
    if charge is None or order.forward_state != Forward.PLACED:
        return
    if order.progress in _REFUNDED:
        if charge > 0:
            yield CostDifference(BreakKind.OWED, charge)
        return
    above = EXACT.subtract(charge, order.expected_charge)
    if above >= ROUNDING:
        yield CostDifference(BreakKind.CHARGE, above)
    margin = margin_of(order)
    if margin < 0:
        yield CostDifference(BreakKind.MARGIN, margin if margin > -LIMIT else None, shop_currency)


def _suspicious_orders(provider: Provider) -> QuerySet[Order]:
    """The orders that the database alone cannot rule out: charged above the price, or with no margin left.

    Charges in a currency we did not agree on are never computed with.
    """
    rows = Order.objects.filter(DEARER, provider=provider, provider_currency=provider.currency)
    return rows.filter(answered_currency__in=["", provider.currency])
