"""Counting a provider's refusals: the same trouble several times in a row is the provider's own."""

from datetime import datetime

from django.conf import settings

from catalog.providers import health
from catalog.providers.health import UNKNOWN_TEXT
from catalog.providers.unlisted_texts import note_unlisted
from upstream.error_table import normalised
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused
from upstream.messages import AcceptedOrder

_MAINTENANCES_TO_PARK = 3


def tally(provider_id: int, result: AcceptedOrder | Refused | NotSent | InDoubt, *, now: datetime) -> str:
    """Count one answer to an order; return why the provider has to be parked now, or "".

    Part of the caller's transaction. A request that was not sent, or whose answer was lost, does not count.
    """
    match result:
        case Refused(error_class=ErrorClass.OTHER) | InDoubt(error_class=ErrorClass.OTHER):
            note_unlisted(provider_id, result.text, now=now)
            times = health.count_refusal(provider_id, normalised(result.text))
            return UNKNOWN_TEXT if times >= settings.REFUSAL_STREAK else ""
        case Refused(error_class=ErrorClass.MAINTENANCE):
            times = health.count_refusal(provider_id, ErrorClass.MAINTENANCE.value)
            return ErrorClass.MAINTENANCE.value if times >= _MAINTENANCES_TO_PARK else ""
        case AcceptedOrder() | Refused():
            health.end_refusals(provider_id)
    return ""
