from orders.models.attempt import Attempt, ForwardAttempt, ProviderExchange, RefillAttempt
from orders.models.audit_state import AuditState
from orders.models.books import (
    BalanceReading,
    BreakKind,
    BreakState,
    EntryKind,
    ProviderAccount,
    ProviderEntry,
    ReconciliationBreak,
    ReconciliationSchedule,
)
from orders.models.breaker_state import BreakerState
from orders.models.cancellation import Cancellation
from orders.models.child import ChildOrder
from orders.models.doubtful import DoubtfulOrder
from orders.models.draft import OrderDraft
from orders.models.facts import ChangedDay
from orders.models.frozen import FROZEN, RESTORED, Home, ShopState, ThawScan
from orders.models.job import Job, JobItem
from orders.models.mass import MassDraft, MassOrder
from orders.models.money_days import ChangedCost, CustomerMoneyDay, MoneyDay, MoneyHour, MoneyState
from orders.models.note import LONGEST_NOTE, OrderNote
from orders.models.order import EventKind, Order, OrderEvent
from orders.models.own_id import UNEXPLAINED, OwnId
from orders.models.poll_schedule import PollSchedule
from orders.models.probing import ProbePass, ProbeSchedule, RateReading
from orders.models.refill import Refill
from orders.models.repeat import TEST_OPEN, RepeatAttempt, RequestIdTest, RequestTestState

__all__ = [
    "LONGEST_NOTE",
    "UNEXPLAINED",
    "FROZEN",
    "RESTORED",
    "Attempt",
    "AuditState",
    "Cancellation",
    "ChangedCost",
    "ChangedDay",
    "ChildOrder",
    "CustomerMoneyDay",
    "DoubtfulOrder",
    "BalanceReading",
    "BreakKind",
    "BreakState",
    "EntryKind",
    "EventKind",
    "ForwardAttempt",
    "Home",
    "Job",
    "JobItem",
    "MassDraft",
    "MassOrder",
    "MoneyDay",
    "MoneyHour",
    "MoneyState",
    "Order",
    "OrderDraft",
    "OrderEvent",
    "OrderNote",
    "OwnId",
    "PollSchedule",
    "ProbeSchedule",
    "ProbePass",
    "ProviderAccount",
    "ProviderEntry",
    "ProviderExchange",
    "RateReading",
    "ReconciliationBreak",
    "ReconciliationSchedule",
    "Refill",
    "RefillAttempt",
    "RepeatAttempt",
    "RequestIdTest",
    "RequestTestState",
    "TEST_OPEN",
    "BreakerState",
    "ShopState",
    "ThawScan",
]
