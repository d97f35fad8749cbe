"""When the provider began to deliver an order, as far as its answers show."""

from datetime import datetime

from orders.models import Order
from upstream.messages import OrderStatus
from upstream.states import ProviderOrderState

_WORKED = (ProviderOrderState.COMPLETED, ProviderOrderState.PARTIAL)


def started_at(order: Order, answer: OrderStatus, asked_at: datetime) -> datetime | None:
    """Return when the order had started, None while no answer has shown it. What was found out once stays.

    Call it before the answer is taken over. An order that runs had started when this question was asked. One that is
    over already began and ended since the answer before: the earlier moment is taken, so that the delivery, which is
    scaled to 1,000, is never shown shorter than it was.
    """
    if order.started_at is not None:
        return order.started_at
    if answer.state in _WORKED:
        return order.answered_at or order.placed_at or asked_at
    return asked_at if shows_work(answer, order.total) else None


def shows_work(answer: OrderStatus, total: int) -> bool:
    """Return whether the answer of an order that is not over shows that delivery has begun.

    "Processing" alone is no work: to many panels it means that the order was passed on. A start count then is, since
    it is read at the beginning, and so are remains below the quantity; some answer 0 before they have counted at all.
    """
    if answer.state is ProviderOrderState.IN_PROGRESS:
        return True
    if answer.remains is not None and 0 < answer.remains < total:
        return True
    return answer.state is ProviderOrderState.PROCESSING and answer.start_count is not None
