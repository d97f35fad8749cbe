"""What follows from a provider's refusal of an order: a refund, a later try, or a wait for the provider itself."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from upstream.errors import ErrorClass


class Consequence(StrEnum):
    """What happens to an order, or a refill, that was refused."""

    REFUND = "refund"
    RETRY = "retry"
    PARK = "park"


_CONSEQUENCES: dict[ErrorClass, Consequence] = {
    ErrorClass.DUPLICATE_LINK: Consequence.RETRY,
    ErrorClass.RATE_LIMITED: Consequence.RETRY,
    ErrorClass.MAINTENANCE: Consequence.RETRY,
    ErrorClass.INVALID_KEY: Consequence.PARK,
    ErrorClass.ACCOUNT_BLOCKED: Consequence.PARK,
    ErrorClass.NOT_ENOUGH_FUNDS: Consequence.PARK,
}


def consequence_of(error_class: ErrorClass) -> Consequence:
    """Return what follows from a refusal: a refund, unless it is about our account there or about the moment."""
    return _CONSEQUENCES.get(error_class, Consequence.REFUND)


#: Why an order was refunded that no provider took, where no provider's refusal is the reason.
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
    """Return what the customer reads. A provider's text is never shown: it may hold markup, a price or a name."""
    return _SENTENCES.get(error_class, _("The supplier could not take this order."))
