"""What follows from a provider's refusal of an order, a refund or a later try, and what its customer reads."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from upstream.errors import ErrorClass

#: Refusals about the moment, the service or our account there, not about what the customer ordered.
_FOR_NOW = frozenset(
    {
        ErrorClass.DUPLICATE_LINK,
        ErrorClass.RATE_LIMITED,
        ErrorClass.MAINTENANCE,
        ErrorClass.SERVICE_RESTING,
        ErrorClass.INVALID_KEY,
        ErrorClass.ACCOUNT_BLOCKED,
        ErrorClass.NOT_ENOUGH_FUNDS,
    }
)


def is_for_now(error_class: ErrorClass) -> bool:
    """Return True if what was refused is tried again later, False if it is refunded."""
    return error_class in _FOR_NOW


#: Why an order was refunded that no provider took, where no provider's refusal is the reason.
CANCELED_UNSENT = "canceled_unsent"
WAITED_TOO_LONG = "waited"
LINK_BUSY_TOO_LONG = "waited_for_link"
NEVER_CONFIRMED = "never_confirmed"
FOUND_NOT_PLACED = "not_placed"

_SENTENCES: dict[str, str | Promise] = {
    ErrorClass.BAD_LINK: _("The supplier could not use the link. Check that it is public and complete."),
    ErrorClass.BAD_QUANTITY: _("The supplier does not take this quantity at the moment."),
    ErrorClass.SERVICE_GONE: _("The supplier no longer offers this service."),
    ErrorClass.DUPLICATE_LINK: _("Another order for this link is still running; this one waits for it."),
    CANCELED_UNSENT: _("It was canceled before it was sent."),
    WAITED_TOO_LONG: _("The supplier could not take it in time."),
    LINK_BUSY_TOO_LONG: _("Another order for this link did not end in time, so this one was not sent."),
    FOUND_NOT_PLACED: _("The supplier does not have it: its answer was lost on the way."),
    NEVER_CONFIRMED: _("The supplier never confirmed it, so we did not let you wait longer."),
}


def sentence_for(error_class: str) -> str | Promise:
    """Return what the customer reads. A provider's text is never shown: it may hold markup, a price or a name."""
    return _SENTENCES.get(error_class, _("The supplier could not take this order."))
