"""A refusal that blames our account or the provider stops them only if a call that is not about the order agrees."""

import logging

from django.conf import settings

from catalog.providers import health
from catalog.providers.connection import client_for
from core.clock import database_now
from orders.forwarding import unlisted_refusals
from orders.forwarding.refusal_streaks import BLAMING
from orders.models import ForwardAttempt
from upstream.errors import SHUT_OUT, ErrorClass, InDoubt, Refused, Unavailable

log = logging.getLogger(__name__)


def weigh(attempt: ForwardAttempt, result: Refused) -> Refused | InDoubt:
    """Return the refusal as it is to be recorded; park the provider if its ``balance`` says the same.

    A balance that is given shows that key and account are in order: then the words were about this order, and it is
    judged like one refused in unknown words. Must not run inside a transaction.
    """
    if result.error_class is ErrorClass.OTHER:
        return unlisted_refusals.judged(attempt, result)
    if result.error_class not in BLAMING:
        return result
    provider, now = attempt.order.provider, database_now()
    try:
        balance = client_for(provider, deadline=settings.READ_DEADLINE_SECONDS).balance()
    except Unavailable as failure:
        is_same = failure.error_class == result.error_class or {failure.error_class, result.error_class} <= SHUT_OUT
        if is_same and failure.error_class is not None:
            health.park(provider.pk, reason=failure.error_class.value, now=now)
        else:
            log.warning("balance after a refusal: %s", failure.reason)
        return result
    charge = attempt.order.expected_charge
    if result.error_class is ErrorClass.NOT_ENOUGH_FUNDS and balance.amount < charge:
        health.park(provider.pk, reason=result.error_class.value, now=now, short_of=charge)
    if result.error_class in SHUT_OUT:
        own = Refused(ErrorClass.OTHER, result.text, result.exchange, noise=result.noise)
        return unlisted_refusals.judged(attempt, own)
    return result
