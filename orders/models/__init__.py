from orders.models.attempt import Attempt, ForwardAttempt, ProviderExchange, RefillAttempt
from orders.models.books import (
    BalanceReading,
    BreakKind,
    BreakState,
    EntryKind,
    ProviderAccount,
    ProviderEntry,
    ReconciliationBreak,
    ReconciliationDesk,
)
from orders.models.frozen import FROZEN, Home, ShopState, ThawScan
from orders.models.order import EventKind, Order, OrderEvent
from orders.models.refill import Refill

__all__ = [
    "FROZEN",
    "Attempt",
    "BalanceReading",
    "BreakKind",
    "BreakState",
    "EntryKind",
    "EventKind",
    "ForwardAttempt",
    "Home",
    "Order",
    "OrderEvent",
    "ProviderAccount",
    "ProviderEntry",
    "ProviderExchange",
    "ReconciliationBreak",
    "ReconciliationDesk",
    "Refill",
    "RefillAttempt",
    "ShopState",
    "ThawScan",
]
