"""`status`: how orders stand, one or up to a hundred, in one query."""

from collections.abc import Iterable

from django.conf import settings

from accounts.api_keys import Caller
from api.errors import INCORRECT_ORDER, ApiError
from api.ids import asked
from api.incoming import Call
from api.messages import ErrorAnswer, OrderState
from api.states import order_state
from orders.models import Order

_COLUMNS = (
    "forward_state", "progress", "charge", "refunded", "start_count", "remains", "total", "needs_review",
)  # fmt: skip


def status(caller: Caller, call: Call) -> OrderState | dict[str, OrderState | ErrorAnswer]:
    wanted = asked(call, "order", "orders")
    found = _states(caller, wanted.found)
    if wanted.is_batch:
        unknown = ErrorAnswer(INCORRECT_ORDER)
        return {name: found.get(pk or 0, unknown) for name, pk in wanted.numbers.items()}
    if (state := found.get(wanted.only or 0)) is None:
        raise ApiError(INCORRECT_ORDER)
    return state


def _states(caller: Caller, numbers: Iterable[int]) -> dict[int, OrderState]:
    orders = Order.objects.filter(customer=caller.customer, pk__in=list(numbers)).only(*_COLUMNS).order_by()
    return {order.pk: order_state(order, settings.SHOP_CURRENCY) for order in orders}
