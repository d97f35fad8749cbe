"""What a provider's answers about our orders have shown of its habits: decimals of charges, and what remains."""

from catalog.models import Provider
from orders.doubt.decimals import shown_decimals
from orders.models import Order, OwnId
from orders.models.order import SUBSCRIPTIONS
from orders.states import Explanation, Progress

#: From how many orders the decimals of a provider's charges are learned, and among how many of its newest ids they are
#: looked for: a provider that names no charge has none among all its orders.
_LEARN_FROM, _LOOKED_THROUGH = 200, 2000
#: So many pending orders have to show what ``remains`` means.
_FEW = 3
_RUNNING = (Progress.PENDING, Progress.PROCESSING, Progress.IN_PROGRESS)


def learn_decimals(provider: Provider) -> int:
    """Return how many decimals this provider shows, from its latest orders that are still charged whole."""
    newest = OwnId.objects.filter(provider=provider).order_by("-number").values_list("attempt__order", flat=True)
    whole = Order.objects.filter(pk__in=newest[:_LOOKED_THROUGH], provider_charge__gt=0, expected_charge__gt=0)
    whole = whole.exclude(progress__in=[Progress.PARTIAL, Progress.CANCELED, Progress.REFUNDED, Progress.FAILED])
    charges = whole.order_by("-id").values_list("provider_charge", "expected_charge")[:_LEARN_FROM]
    return shown_decimals((charge, expected) for charge, expected in charges if charge is not None)


def remains_are_reliable(provider: Provider) -> bool:
    """True if this provider's ``remains`` show how much was ordered, by its latest answers about running orders.

    None of them says more than was ordered, and those about pending orders, of which there must be a few of more than
    one quantity, say exactly that.
    """
    newest = OwnId.objects.filter(provider=provider, explained=Explanation.ATTEMPT, number__isnull=False)
    plain = newest.filter(attempt__order__runs=None).exclude(attempt__order__service_type=SUBSCRIPTIONS)
    names = ("attempt__order__progress", "attempt__order__remains", "attempt__order__total")
    rows = list(plain.order_by("-number").values_list(*names)[:_LEARN_FROM])
    pending = [(remains, total) for progress, remains, total in rows if progress == Progress.PENDING]
    running = [(remains, total) for progress, remains, total in rows if progress in _RUNNING and remains is not None]
    is_never_more = all(remains <= total for remains, total in running)
    is_whole = all(remains == total for remains, total in pending) and len({total for _remains, total in pending}) > 1
    return is_never_more and is_whole and len(pending) >= _FEW
