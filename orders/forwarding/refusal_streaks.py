"""Counting a provider's refusals: the same trouble for different customers, services and links is the provider's."""

from datetime import datetime

from catalog.providers import health
from catalog.providers.health import UNKNOWN_TEXT, RefusedOrder
from catalog.providers.unlisted_texts import note_unlisted
from orders.models import Order
from upstream.error_table import normalised
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import AcceptedOrder

#: Classes that blame our account or the provider, of which an order's refusal alone is no proof.
BLAMING = frozenset(
    {ErrorClass.INVALID_KEY, ErrorClass.ACCOUNT_BLOCKED, ErrorClass.NOT_ENOUGH_FUNDS, ErrorClass.MAINTENANCE}
)


def tally(order: Order, result: AcceptedOrder | Refused | NotSent | InDoubt, *, now: datetime) -> str:
    """Count one answer to an order; return why the provider has to be parked now, or "".

    Part of the caller's transaction. A request that was not sent, or whose answer was lost, does not count, and neither
    does a refusal for the order's own sake.
    """
    refused = RefusedOrder(order.customer_id, order.external_service_id, order.link)
    match result:
        case Refused(error_class=ErrorClass.OTHER) | InDoubt(error_class=ErrorClass.OTHER):
            note_unlisted(order.provider_id, result.text, now=now)
            is_proven = health.count_refusal(order.provider_id, normalised(result.text), refused)
            return UNKNOWN_TEXT if is_proven else ""
        case Refused(error_class=error_class) if error_class in BLAMING:
            is_proven = health.count_refusal(order.provider_id, error_class.value, refused)
            return error_class.value if is_proven else ""
        case AcceptedOrder():
            health.end_refusals(order.provider_id)
    return ""
