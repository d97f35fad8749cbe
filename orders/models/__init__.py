from orders.models.attempt import Attempt, ForwardAttempt, ProviderExchange, RefillAttempt
from orders.models.gate import SendingGate
from orders.models.order import EventKind, Order, OrderEvent
from orders.models.refill import Refill

__all__ = [
    "Attempt",
    "EventKind",
    "ForwardAttempt",
    "Order",
    "OrderEvent",
    "ProviderExchange",
    "Refill",
    "RefillAttempt",
    "SendingGate",
]
