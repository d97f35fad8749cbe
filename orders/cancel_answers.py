"""The end of an order is the answer to the wish to cancel it."""

from collections.abc import Mapping
from datetime import datetime

from orders.models import Cancellation
from orders.states import CANCEL_OPEN, CancelState, Progress


def close_for(ended: Mapping[int, Progress], *, now: datetime) -> None:
    """Close the open wishes about orders that ended, each with the state its order ended in."""
    if not ended:
        return
    for wish in Cancellation.objects.filter(order_id__in=list(ended), state__in=CANCEL_OPEN).order_by("order_id"):
        Cancellation.objects.filter(pk=wish.pk, state__in=CANCEL_OPEN).update(
            state=CancelState.ANSWERED, answer=ended[wish.order_id].value, next_at=None, finished_at=now
        )
