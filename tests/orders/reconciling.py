"""What the stories of the provider's account have in common: looks at it, money that comes and goes, breaks."""

from decimal import Decimal
from typing import Any

from accounts.models import User
from billing import audit as money
from billing.audit import check
from core.clock import database_now
from orders import audit as orders_audit
from orders.books import entries, reconciliation
from orders.models import BalanceReading, BreakKind, EntryKind, Order, ReconciliationBreak, ReconciliationSchedule
from tests.orders.cast import Shop


def looks(shop: Shop, times: int = 2) -> BalanceReading:
    """Look so many times, with all the time in the world between two looks."""
    for _time in range(times):
        ReconciliationSchedule.objects.update(next_at=database_now())
        assert reconciliation.reconcile_due(now=database_now()) == 1
    reading = BalanceReading.objects.filter(provider=shop.provider).first()
    assert reading is not None
    return reading


def deposits(shop: Shop, amount: str, key: str = "deposit:1") -> bool:
    return entries.enter(
        shop.provider, EntryKind.DEPOSIT, Decimal(amount), key=key, memo="card", actor="owner", now=database_now()
    )


def ends(shop: Shop, alice: User, fate: str, quantity: int = 1000) -> Order:
    """Buy an order, let it run to its end, and hear of it."""
    order = shop.buys(alice, quantity, link=f"https://example.com/p/{Order.objects.count()}?fate={fate}&after=1")
    shop.forwards()
    shop.simulator.control(advance=60)
    shop.follows()
    order.refresh_from_db()
    return order


def one_break(kind: BreakKind, **more: Any) -> ReconciliationBreak:
    return ReconciliationBreak.objects.get(kind=kind, closed_at=None, **more)


def audit() -> set[str]:
    return {f.name for f in check([*money.EQUATIONS, *orders_audit.EQUATIONS]) if not f.holds}


def reported(shop: Shop) -> Decimal:
    core = shop.simulator.simulator
    assert core is not None
    return core.books.balance
