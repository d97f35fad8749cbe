"""The owner's view of orders. Two of its pages move one: `decisions` about a doubt, `settling_by_hand` about an end."""

from orders.admin.accounts import ProviderAccountAdmin
from orders.admin.aftercare import CancellationAdmin, ChildOrderAdmin
from orders.admin.breaks import ReconciliationBreakAdmin
from orders.admin.doubts import DoubtfulOrderAdmin
from orders.admin.jobs import JobAdmin
from orders.admin.orders import OrderAdmin
from orders.admin.own_ids import OwnIdAdmin
from orders.admin.refills import RefillAdmin
from orders.admin.request_tests import RequestIdTestAdmin

__all__ = [
    "CancellationAdmin",
    "ChildOrderAdmin",
    "DoubtfulOrderAdmin",
    "JobAdmin",
    "OrderAdmin",
    "OwnIdAdmin",
    "ProviderAccountAdmin",
    "ReconciliationBreakAdmin",
    "RefillAdmin",
    "RequestIdTestAdmin",
]
