"""What a refusal of the provider means for an order: give the money back, try later, or wait for the provider."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from upstream.errors import ErrorClass


class Then(StrEnum):
    REFUND = "refund"
    RETRY = "retry"
    PARK = "park"


THEN: dict[ErrorClass, Then] = {
    ErrorClass.DUPLICATE_LINK: Then.RETRY,
    ErrorClass.RATE_LIMITED: Then.RETRY,
    ErrorClass.MAINTENANCE: Then.RETRY,
    ErrorClass.INVALID_KEY: Then.PARK,
    ErrorClass.ACCOUNT_BLOCKED: Then.PARK,
    ErrorClass.NOT_ENOUGH_FUNDS: Then.PARK,
}


def then(error_class: ErrorClass) -> Then:
    """Every class that is not about the account or the moment is about this order: it is refunded."""
    return THEN.get(error_class, Then.REFUND)


#: Why an order that was never taken was refunded, where no refusal of the provider says it.
CANCELED_UNSENT = "canceled_unsent"
WAITED_TOO_LONG = "waited"
LINK_BUSY_TOO_LONG = "waited_for_link"
NEVER_CONFIRMED = "never_confirmed"

_SENTENCES: dict[str, str | Promise] = {
    ErrorClass.BAD_LINK: _("The supplier could not use the link. Check that it is public and complete."),
    ErrorClass.BAD_QUANTITY: _("The supplier does not take this quantity at the moment."),
    ErrorClass.SERVICE_GONE: _("The supplier no longer offers this service."),
    ErrorClass.DUPLICATE_LINK: _("Another order for this link is still running; this one waits for it."),
    CANCELED_UNSENT: _("You canceled it before it was sent."),
    WAITED_TOO_LONG: _("The supplier could not take it in time."),
    LINK_BUSY_TOO_LONG: _("Another order for this link did not end in time, so this one was not sent."),
    NEVER_CONFIRMED: _("The supplier never confirmed it, so we did not let you wait longer."),
}


def sentence_for(error_class: str) -> str | Promise:
    """What the customer reads. A provider's own words are never shown: they may hold markup, a price, or a name."""
    return _SENTENCES.get(error_class, _("The supplier could not take this order."))
