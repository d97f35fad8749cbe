from orders.models.attempt import Attempt, ForwardAttempt, ProviderExchange, RefillAttempt
from orders.models.cancellation import Cancellation
from orders.models.child import ChildOrder
from orders.models.order import EventKind, Order, OrderEvent
from orders.models.refill import Refill

__all__ = [
    "Attempt",
    "Cancellation",
    "ChildOrder",
    "EventKind",
    "ForwardAttempt",
    "Order",
    "OrderEvent",
    "ProviderExchange",
    "Refill",
    "RefillAttempt",
]
