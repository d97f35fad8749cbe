"""The table of errors: each text as a client reads it, and what to do about it."""

from django.utils.translation import gettext_lazy as _

from api import errors

ERRORS = (
    (errors.INVALID_KEY, _("The key is wrong, missing, revoked, or not allowed from this address.")),
    (errors.NOT_ALLOWED, _("The key may only read.")),
    (
        errors.INCORRECT_REQUEST,
        _("There is no such action, or a field it needs is missing, or the body is unreadable."),
    ),
    (errors.QUERY_NOT_READ, _("Whatever stands in an address ends up in logs, so nothing is read from it.")),
    (errors.INCORRECT_SERVICE, _("There is no such service on sale.")),
    (errors.SERVICE_UNAVAILABLE, _("The service cannot be ordered at the moment. Read the list again later.")),
    (errors.PRICES_CHANGING, _("Nothing was done; send it again in a moment.")),
    (errors.INCORRECT_LINK, _("The link is missing or no address.")),
    (
        f"{errors.INCORRECT_LINK}: …",
        _("It is an address of another platform than the service's. The text after the colon says of which."),
    ),
    (
        errors.LINK_HAS_OPEN_ORDER,
        _("This service takes one order at a time for a link. Send it again when yours has ended."),
    ),
    (errors.INCORRECT_QUANTITY, _("The quantity is missing or no whole number.")),
    ("Quantity less than minimal 100", _("The service's own min, or one line per unit for comments.")),
    ("Quantity more than maximum 50000", _("The service's own max; with a drip-feed it counts all runs.")),
    ("comments is required", _("A field of this type of service is missing; the text names it.")),
    (errors.NO_DRIPFEED, _("Leave out runs and interval.")),
    (errors.INCORRECT_DRIPFEED, _("From 2 runs, with at least 1 minute between them.")),
    (errors.NOT_ENOUGH_FUNDS, _("Add funds, then send it again.")),
    (errors.DEPOSIT_HELD, _("Your wallet says from when the deposit can be spent.")),
    (
        errors.DAILY_LIMIT,
        _("The order would cost more than the key may still spend today. Raise the limit, or send it again tomorrow."),
    ),
    (errors.ACCOUNT_SUSPENDED, _("Please contact the shop.")),
    (errors.INCORRECT_ORDER, _("You have no order of this number.")),
    (errors.NO_REFILL, _("Not completed, not offered by the service, or a refill is under way.")),
    (
        f"{errors.NO_REFILL}: …",
        _("The service promises refills for a time after completion. The rest of the text says from or until when."),
    ),
    (errors.REFILL_NOT_FOUND, _("You have no refill of this number.")),
    (errors.NO_CANCEL, _("It has ended, or the service offers no cancelling.")),
    (errors.TOO_MANY_ORDERS, _("Send several calls.")),
    (errors.TOO_MANY_TICKETS, _("Wait until some of yours are closed.")),
    (errors.REQUEST_ID_REUSED, _("Take a new name for a new request.")),
    (errors.TWO_REQUEST_IDS, _("Send one of them, or both alike.")),
    (errors.INCORRECT_REQUEST_ID, _("Letters, digits and signs of ASCII.")),
    (errors.TOO_MANY_REQUESTS, _("HTTP 429. Wait as many seconds as Retry-After says.")),
    (errors.PLAIN_HTTP, _("HTTP 308 to the https address. Nothing was done; most programs send the call again there.")),
    (
        errors.WRONG_ADDRESS.partition("{")[0] + "…",
        _("HTTP 404 or 405. Correct the address in your program's settings."),
    ),
)
