"""Our states in the words of panel API v2. Pure."""

from api.messages import OrderState, RefillWord, StateWord, exact
from core.money import divide, multiply
from orders.models import Order, Refill
from orders.states import Forward, Progress
from orders.states import RefillState as Refilling

_BY_FORWARD: dict[str, StateWord] = {
    Forward.QUEUED: "Pending",
    Forward.CLAIMED: "Pending",
    Forward.SENDING: "Pending",
    Forward.IN_DOUBT: "Processing",
    Forward.REVIEW: "Processing",
    Forward.REFUSED: "Canceled",
    Forward.REFUNDED: "Canceled",
}
_BY_PROGRESS: dict[str, StateWord] = {
    "": "Pending",
    Progress.PENDING: "Pending",
    Progress.PROCESSING: "Processing",
    Progress.COMPLETED: "Completed",
}
#: Ends that give money back: which word is true of them, only the money tells.
_SETTLED_BY_MONEY = (Progress.PARTIAL, Progress.CANCELED, Progress.REFUNDED, Progress.EXPIRED)

_REFILL_WORDS: dict[str, RefillWord] = {
    Refilling.QUEUED: "Pending",
    Refilling.CLAIMED: "Pending",
    Refilling.SENDING: "Pending",
    Refilling.IN_DOUBT: "In progress",
    Refilling.REQUESTED: "In progress",
    Refilling.COMPLETED: "Completed",
    Refilling.REJECTED: "Rejected",
}


def order_state(order: Order, currency: str) -> OrderState:
    """The answer to `status`. A child shop pays its own customer back by it, so word, remains and charge agree."""
    word = _word(order)
    return OrderState(
        charge=exact(order.net_charge),
        start_count=str(order.start_count or 0),
        status=word,
        remains=str(_remains(order, word)),
        currency=currency,
    )


def _word(order: Order) -> StateWord:
    if order.forward_state != Forward.PLACED:
        word = _BY_FORWARD[order.forward_state]
        # The money comes back in the same transaction; anything else would be promised too early.
        return word if word != "Canceled" or order.refunded == order.charge else "Processing"
    if order.progress in _SETTLED_BY_MONEY:
        return _word_of_money(order)
    return _BY_PROGRESS.get(order.progress, "In progress")


def _word_of_money(order: Order) -> StateWord:
    if order.refunded == order.charge:
        return "Canceled"
    if order.needs_review and not order.refunded:
        return "In progress"  # the end is known, what is due back is not
    if order.progress == Progress.EXPIRED and not order.refunded:
        return "Completed"
    return "Partial"


def _remains(order: Order, word: StateWord) -> int:
    if word == "Completed":
        return 0
    if word == "Canceled":
        return order.total
    if word == "Partial" and (order.progress != Progress.PARTIAL or order.remains is None):
        # Decided by a person or settled otherwise: what remains is what was refunded.
        return int(divide(multiply(order.refunded, order.total), order.charge))
    if order.remains is None or word == "Pending":
        return order.total
    return max(0, min(order.remains, order.total))


def refill_word(refill: Refill) -> RefillWord:
    return _REFILL_WORDS[refill.state]
