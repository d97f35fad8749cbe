"""`status`: how orders stand, one or up to a hundred, in one query."""

from django.conf import settings

from accounts.api_keys import Caller
from api.errors import INCORRECT_ORDER, ApiError
from api.ids import read_ids
from api.incoming import Call
from api.messages import ErrorAnswer, StatusAnswer
from api.states import order_state
from orders.models import Order

_COLUMNS = (
    "forward_state", "progress", "charge", "refunded", "start_count", "remains", "total", "needs_review",
)  # fmt: skip


def status(caller: Caller, call: Call) -> StatusAnswer | dict[str, StatusAnswer | ErrorAnswer]:
    """Return how one order stands, or each of several under its number. Raises ApiError for a single unknown one."""
    ids = read_ids(call, "order", "orders")
    orders = Order.objects.filter(customer=caller.customer, pk__in=ids.ascending).only(*_COLUMNS).order_by()
    found = {order.pk: order_state(order, settings.SHOP_CURRENCY) for order in orders}
    if ids.is_batch:
        unknown = ErrorAnswer(INCORRECT_ORDER)
        return {name: found.get(pk or 0, unknown) for name, pk in ids.numbers.items()}
    if (state := found.get(ids.only or 0)) is None:
        raise ApiError(INCORRECT_ORDER)
    return state
