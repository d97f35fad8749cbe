"""The owner's view of orders. Nothing here moves an order or its money."""

from orders.admin.aftercare import CancellationAdmin, ChildOrderAdmin
from orders.admin.orders import OrderAdmin
from orders.admin.refills import RefillAdmin

__all__ = ["CancellationAdmin", "ChildOrderAdmin", "OrderAdmin", "RefillAdmin"]
