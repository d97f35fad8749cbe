from orders.models.attempt import Attempt, ForwardAttempt, ProviderExchange, RefillAttempt
from orders.models.cancellation import Cancellation
from orders.models.child import ChildOrder
from orders.models.doubtful import DoubtfulOrder
from orders.models.gate import SendingGate
from orders.models.order import EventKind, Order, OrderEvent
from orders.models.own_id import UNEXPLAINED, Explanation, OwnId
from orders.models.probing import ProbeDesk, ProbePass, RateReading
from orders.models.refill import Refill

__all__ = [
    "UNEXPLAINED",
    "Attempt",
    "Cancellation",
    "ChildOrder",
    "DoubtfulOrder",
    "EventKind",
    "Explanation",
    "ForwardAttempt",
    "Order",
    "OrderEvent",
    "OwnId",
    "ProbeDesk",
    "ProbePass",
    "ProviderExchange",
    "RateReading",
    "Refill",
    "RefillAttempt",
    "SendingGate",
]
