"""The owner's view of orders. Nothing here moves an order or its money."""

from orders.admin.accounts import ProviderAccountAdmin
from orders.admin.breaks import ReconciliationBreakAdmin
from orders.admin.orders import OrderAdmin
from orders.admin.refills import RefillAdmin

__all__ = ["OrderAdmin", "ProviderAccountAdmin", "ReconciliationBreakAdmin", "RefillAdmin"]
