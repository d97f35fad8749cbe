"""`status`: how orders stand, one or up to a hundred, in one query."""

from django.conf import settings
from django.db.models import Count, Q

from accounts.api_keys import Caller
from api.errors import INCORRECT_ORDER, ApiError
from api.ids import read_ids
from api.incoming import Call
from api.messages import ErrorAnswer, StatusAnswer
from api.states import order_state, posts_paid, subscription_word
from orders.models import Order
from orders.states import Progress

_COLUMNS = (
    "forward_state", "progress", "charge", "refunded", "start_count", "remains", "total", "needs_review",
    "runs", "service_type",
)  # fmt: skip


def _add_posts(found: dict[int, StatusAnswer], subscriptions: list[int], words: str) -> None:
    """Add to the answers about ``subscriptions`` the posts that are done and the day of the end, and set the words."""
    if not subscriptions:
        return
    served = Count("children", filter=~Q(children__progress__in=[Progress.CANCELED, Progress.REFUNDED]))
    for order in Order.objects.filter(pk__in=subscriptions).only(*_COLUMNS, "fields").annotate(served=served):
        answer = found[order.pk]
        answer.posts, answer.expiry = posts_paid(order, order.served), order.fields.get("expiry")
        answer.status = subscription_word(answer.status, words)


def status(caller: Caller, call: Call) -> StatusAnswer | dict[str, StatusAnswer | ErrorAnswer]:
    """Return how one order stands, or each of several under its number. Raises ApiError for a single unknown one."""
    ids = read_ids(call, "order", "orders")
    orders = Order.objects.filter(customer=caller.customer, pk__in=ids.ascending).only(*_COLUMNS).order_by()
    found = {order.pk: order_state(order, settings.SHOP_CURRENCY) for order in orders}
    _add_posts(found, [order.pk for order in orders if order.is_subscription], caller.key.status_words)
    if ids.is_batch:
        unknown = ErrorAnswer(INCORRECT_ORDER)
        return {name: found.get(pk or 0, unknown) for name, pk in ids.numbers.items()}
    if (state := found.get(ids.only or 0)) is None:
        raise ApiError(INCORRECT_ORDER)
    return state
