"""Our states in the words of panel API v2. Pure."""

from decimal import Decimal
from math import ceil

from accounts.models import StatusWords
from api.messages import RefillWord, StateWord, StatusAnswer, exact
from core.money import QUANTUM, divide, multiply
from orders.models import Order, Refill
from orders.states import Forward, Progress, RefillState

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
#: What programs of the SmartPanel family read of a subscription, by our own word: they ask again after "Active" alone.
#: A pause is no end, yet "Paused" would make them refund what is missing, once more each time that they ask.
_SMARTPANEL: dict[StateWord, StateWord] = {
    "Pending": "Active",
    "Processing": "Active",
    "In progress": "Active",
    "Partial": "Expired",
}
#: Ends that give money back: which word is true of them, only the money tells.
_SETTLED_BY_MONEY = (Progress.PARTIAL, Progress.CANCELED, Progress.REFUNDED, Progress.EXPIRED)

_REFILL_WORDS: dict[str, RefillWord] = {
    RefillState.QUEUED: "Pending",
    RefillState.CLAIMED: "Pending",
    RefillState.SENDING: "Pending",
    RefillState.IN_DOUBT: "In progress",
    RefillState.REQUESTED: "In progress",
    RefillState.COMPLETED: "Completed",
    RefillState.REJECTED: "Rejected",
}


def order_state(order: Order, currency: str) -> StatusAnswer:
    """Return the answer to `status`. A child shop refunds its own customer by it: word, remains and charge agree.

    So do the runs of a drip-feed: those that what was delivered is enough for.
    """
    word = state_word(order)
    if word == "Completed":
        remains = 0
    elif word == "Canceled":
        remains = order.total
    elif word == "Partial" and (order.progress != Progress.PARTIAL or order.remains is None):
        # Decided by a person or settled otherwise: what remains is what was refunded.
        remains = int(divide(multiply(order.refunded, order.total), order.charge))
    elif order.remains is None or word == "Pending":
        remains = order.total
    else:
        remains = max(0, min(order.remains, order.total))
    return StatusAnswer(
        charge=exact(order.net_charge),
        start_count=str(order.start_count or 0),
        status=word,
        remains=str(remains),
        currency=currency,
        runs=(order.total - remains) * order.runs // order.total if order.runs else None,
    )


def state_word(order: Order) -> StateWord:
    """Return the word for an order's state; for ends that give money back only the money tells which one is true."""
    is_refunded = order.refunded == order.charge
    if order.forward_state != Forward.PLACED:
        word = _BY_FORWARD[order.forward_state]
        # The refund is made in the same transaction; anything else would be promised too early.
        return word if word != "Canceled" or is_refunded else "Processing"
    if order.progress not in _SETTLED_BY_MONEY:
        return _BY_PROGRESS.get(order.progress, "In progress")
    if is_refunded:
        return "Canceled"
    if order.needs_review and not order.refunded:
        return "In progress"  # the end is known, the refund is not
    if order.progress == Progress.EXPIRED and not order.refunded:
        return "Completed"
    return "Partial"


def subscription_word(word: StateWord, words: str) -> StateWord:
    """Return :func:`state_word` of a subscription as a key that wants ``words`` (a StatusWords) reads it."""
    return _SMARTPANEL.get(word, word) if words == StatusWords.SMARTPANEL else word


def posts_paid(order: Order, served: int) -> int:
    """Return the posts of a subscription that are done, ``served`` by what the provider named.

    At an end that gave money back they are at least as many as the charge pays for: a panel that refunds by posts
    alone must not pay back more than it got.
    """
    posts = order.fields.get("posts", "")
    if state_word(order) != "Partial" or not posts.isdecimal():
        return served
    # What is paid may be one step of the currency more than the part of the charge that it stands for.
    paid = max(Decimal(0), order.net_charge - QUANTUM)
    return max(served, ceil(divide(multiply(paid, int(posts)), order.charge)))


def refill_word(refill: Refill) -> RefillWord:
    """Return the word for a refill's state."""
    return _REFILL_WORDS[refill.state]
