"""Refusals in the words that clients of panel API v2 know. They are data, not prose: English, and never translated."""

INVALID_KEY = "Invalid API key"
NOT_ALLOWED = "Unauthorized: this API key may not do that"
INCORRECT_REQUEST = "Incorrect request"
#: For calls whose fields stand in the query string: it ends up in logs, so nothing is read from it.
QUERY_NOT_READ = "Incorrect request: send the fields by POST, the query string is not read"
TOO_MANY_REQUESTS = "Too many requests"
MAXIMUM = 100
TOO_MANY_ORDERS = f"Maximum {MAXIMUM} orders"
INCORRECT_ORDER = "Incorrect order ID"
TOO_MANY_TICKETS = "Too many open tickets"
REFILL_NOT_FOUND = "Refill not found"
NO_REFILL = "Order is not eligible for refill"
NO_CANCEL = "Order is not eligible for cancel"
INCORRECT_SERVICE = "Incorrect service ID"
SERVICE_UNAVAILABLE = "Service is not available"
PRICES_CHANGING = "Service temporarily unavailable: prices are changing"
NOT_ENOUGH_FUNDS = "Not enough funds on balance"
DEPOSIT_HELD = "Not enough funds: a recent deposit cannot be spent yet"
DAILY_LIMIT = "Not enough funds: the daily limit of this API key is reached"
ACCOUNT_SUSPENDED = "Account suspended"
LINK_HAS_OPEN_ORDER = "You have active order with this link. Please wait until order being completed."
INCORRECT_LINK = "Incorrect link"
INCORRECT_QUANTITY = "Incorrect quantity"
INCORRECT_DRIPFEED = "Incorrect dripfeed: runs and interval"
NO_DRIPFEED = "Dripfeed is not available for this service"
INCORRECT_REQUEST_ID = "Incorrect request_id: 1 to 64 printable characters"
TWO_REQUEST_IDS = "request_id and Idempotency-Key differ"
PLAIN_HTTP = "Use https: over http your API key is readable on its way. Create a new key"
WRONG_ADDRESS = "Incorrect request: the address of the API is {address}"
REQUEST_ID_REUSED = "request_id was used before for a different request"


def wrong_address(address: str) -> str:
    """Return the refusal of a call to another address than the API's own."""
    return WRONG_ADDRESS.format(address=address)


class ApiError(Exception):
    """The whole call is refused; ``text`` is what the client reads. Nothing was done."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
