"""Asking to cancel."""

from accounts.api_keys import Caller
from api.errors import NO_CANCEL, ApiError
from core.refusals import Refusal
from orders.cancellations import request_cancel
from orders.models import Order


def ask_to_cancel(caller: Caller, order: Order) -> int:
    """1 when the wish was taken, also when it was taken before. Raises ApiError."""
    try:
        request_cancel(order=order, actor=caller.customer.email, now=caller.now)
    except Refusal:
        if not order.cancel_is_open:
            raise ApiError(NO_CANCEL) from None
    return 1
