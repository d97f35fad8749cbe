"""Asking to cancel, where the shop knows how to."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from accounts.api_keys import Caller
from api.errors import INCORRECT_REQUEST, NO_CANCEL, ApiError
from core.refusals import Refusal
from orders.models import Order

cancellations: Any = import_module("orders.cancellations") if find_spec("orders.cancellations") else None


def ask_to_cancel(caller: Caller, order: Order) -> int:
    """1 when the wish was taken, also when it was taken before. Raises ApiError."""
    if cancellations is None:
        raise ApiError(INCORRECT_REQUEST)
    try:
        cancellations.request_cancel(order=order, actor=caller.customer.email, now=caller.now)
    except Refusal:
        if not getattr(order, "cancel_is_open", False):
            raise ApiError(NO_CANCEL) from None
    return 1
