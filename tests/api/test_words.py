"""What our refusals and states mean to a client: to one that reads them as this shop reads its own providers."""

import pytest

from api import errors
from api.docs.refusals import ERRORS
from upstream.error_table import classify
from upstream.errors import ErrorClass

MEANS = {
    errors.INVALID_KEY: ErrorClass.INVALID_KEY,
    errors.NOT_ALLOWED: ErrorClass.INVALID_KEY,
    errors.INCORRECT_REQUEST: ErrorClass.UNSUPPORTED,
    errors.wrong_address("https://shop.example/api/v2"): ErrorClass.UNSUPPORTED,
    errors.INCORRECT_SERVICE: ErrorClass.SERVICE_GONE,
    errors.SERVICE_UNAVAILABLE: ErrorClass.SERVICE_GONE,
    errors.PRICES_CHANGING: ErrorClass.SERVICE_RESTING,
    errors.INCORRECT_LINK: ErrorClass.BAD_LINK,
    f"{errors.INCORRECT_LINK}: This is an address of X, and the service is for Y. Paste one of Y.": ErrorClass.BAD_LINK,
    errors.INCORRECT_QUANTITY: ErrorClass.BAD_QUANTITY,
    "Quantity less than minimal 100": ErrorClass.BAD_QUANTITY,
    "Quantity more than maximum 50000": ErrorClass.BAD_QUANTITY,
    "comments is required": ErrorClass.BAD_PARAMS,
    "answer_number is required": ErrorClass.BAD_PARAMS,
    "A valid usernames is required": ErrorClass.BAD_PARAMS,
    errors.NO_DRIPFEED: ErrorClass.BAD_PARAMS,
    errors.INCORRECT_DRIPFEED: ErrorClass.BAD_PARAMS,
    errors.NOT_ENOUGH_FUNDS: ErrorClass.NOT_ENOUGH_FUNDS,
    errors.DEPOSIT_HELD: ErrorClass.NOT_ENOUGH_FUNDS,
    errors.DAILY_LIMIT: ErrorClass.NOT_ENOUGH_FUNDS,
    errors.ACCOUNT_SUSPENDED: ErrorClass.ACCOUNT_BLOCKED,
    errors.TOO_MANY_REQUESTS: ErrorClass.RATE_LIMITED,
}
MEANS_LATER = {
    errors.INCORRECT_ORDER: ErrorClass.UNKNOWN_ORDER,
    errors.REFILL_NOT_FOUND: ErrorClass.UNKNOWN_REFILL,
    errors.NO_REFILL: ErrorClass.NOT_ELIGIBLE,
    f"{errors.NO_REFILL}: Refill opens in 3 h": ErrorClass.NOT_ELIGIBLE,
    f"{errors.NO_REFILL}: Refill ended on 14 Dec": ErrorClass.NOT_ELIGIBLE,
    errors.NO_CANCEL: ErrorClass.NOT_ELIGIBLE,
    errors.TOO_MANY_ORDERS: ErrorClass.BATCH_TOO_LARGE,
}


@pytest.mark.parametrize(("text", "meaning"), MEANS.items())
def test_a_refused_order_is_read_as_it_was_meant(text: str, meaning: ErrorClass) -> None:
    assert classify([text], on_add=True, http_status=200, additions={}) is meaning


@pytest.mark.parametrize(("text", "meaning"), MEANS_LATER.items())
def test_other_refusals_are_read_as_they_were_meant(text: str, meaning: ErrorClass) -> None:
    assert classify([text], on_add=False, http_status=200, additions={}) is meaning


def test_the_page_lists_every_refusal() -> None:
    listed = {text for text, _meaning in ERRORS}
    ours = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}
    whole = {text for text in listed if not text.endswith("…")}
    begun = tuple(text[:-1] for text in listed if text.endswith("…"))
    assert {text for text in ours if text not in whole and not text.startswith(begun)} == set()
