"""Known error texts of panels and what they mean. The first row that fits wins; what the owner says goes before.

Phrases are looked for inside the text, codes are untranslated message keys and must be the whole text. Words that
panels use for more than one thing ("banned", "try again", "temporarily") count only beside a word that says of what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from upstream.errors import ErrorClass


@dataclass(frozen=True)
class Row:
    error_class: ErrorClass
    phrases: tuple[str, ...]
    codes: str = ""
    on_add: bool = True
    #: A pattern that has to be found as well, for phrases that say too little alone.
    beside: str = ""

    def fit(self, pieces: Iterable[str], joined: str) -> int:
        """Return the length of the words that fit, 0 if none does."""
        found = [len(phrase) for phrase in self.phrases if phrase in joined]
        if self.beside and not re.search(self.beside, joined):
            found = []
        if self.codes:
            found += [len(piece) for piece in pieces if re.fullmatch(self.codes, piece)]
        return max(found, default=0)


#: Words for what a customer's link shows.
_OF_A_LINK = r"\b(?:link|url|post|profile|channel|private|public)s?\b"
_NEW_ORDER = r"(?:neworder\.)?(?:error\.)?"

TABLE: tuple[Row, ...] = (
    Row(
        ErrorClass.DUPLICATE_LINK,
        (
            "you have active order with this link",
            "active order with this link exists",
            "wait until order being completed",
            "duplicate order",
        ),
        _NEW_ORDER + r"(?:link_duplicate|duplicate_order)",
    ),
    Row(ErrorClass.RATE_LIMITED, ("too many requests", "rate limit")),
    Row(ErrorClass.BATCH_TOO_LARGE, ("maximum 100 orders",), on_add=False),
    Row(
        ErrorClass.INVALID_KEY,
        (
            "invalid api key",
            "incorrect api key",
            "api key not found",
            "api key is not specified",
            "api key field is required",
            "api is disable",
            "unauthorized",
        ),
    ),
    Row(
        ErrorClass.ACCOUNT_BLOCKED,
        (
            "account suspended",
            "account is disabled",
            "user inactive",
            "account banned",
            "you are banned",
            "your account is banned",
            "your account has been banned",
        ),
    ),
    Row(
        ErrorClass.NOT_ENOUGH_FUNDS,
        (
            "not enough funds",
            "insufficient balance",
            "insufficient funds",
            "not enough balance",
            "exceeds available funds",
            "exceeds available balance",
        ),
        _NEW_ORDER + r"not_enough_funds",
    ),
    Row(ErrorClass.MAINTENANCE, ("maintenance", "under construction", "temporarily closed")),
    Row(ErrorClass.SERVICE_RESTING, ("temporarily", "paused"), beside=r"\bservices?\b"),
    Row(
        ErrorClass.SERVICE_GONE,
        (
            "incorrect service id",
            "invalid service id",
            "service not found",
            "service does not exist",
            "service id does not exist",
            "service is not available",
            "service unavailable",
            "service disabled",
        ),
        _NEW_ORDER + r"(?:incorrect_service_id|service_inactive|service_not_found|invalid_service)",
    ),
    Row(
        ErrorClass.BAD_QUANTITY,
        (
            "incorrect quantity",
            "quantity less than m",
            "quantity more than m",
            "min quantity",
            "max quantity",
            "minimum quantity",
            "maximum quantity",
            "quantity must be",
            "quantity must to be",
        ),
        _NEW_ORDER + r"(?:min_quantity|max_quantity)",
    ),
    Row(
        ErrorClass.UNSUPPORTED,
        ("incorrect request", "invalid action", "action is invalid", "the action field is required"),
    ),
    Row(
        ErrorClass.BAD_PARAMS,
        ("comments", "dripfeed", "missing required parameter", "is required"),
        _NEW_ORDER + r"comment",
    ),
    Row(
        ErrorClass.BAD_LINK,
        ("incorrect link", "invalid link", "bad link", "link not found", "link must be a valid"),
        _NEW_ORDER + r"(?:link|invalid_link|link_not_found)",
    ),
    Row(
        ErrorClass.UNKNOWN_ORDER,
        ("incorrect order id", "invalid order id", "the selected order id is invalid", "order not found"),
        on_add=False,
    ),
    Row(ErrorClass.UNKNOWN_REFILL, ("refill not found", "refill request not found"), on_add=False),
    Row(ErrorClass.NOT_ELIGIBLE, ("not eligible",), on_add=False),
    Row(
        ErrorClass.SERVER_FAULT,
        (
            "something went wrong",
            "internal error",
            "internal server error",
            "unexpected error",
            "exception",
            "sqlstate",
            "deadlock",
            "timed out",
            "timeout",
            "gone away",
        ),
    ),
    Row(ErrorClass.BAD_LINK, ("try again",), beside=_OF_A_LINK),
    Row(ErrorClass.BAD_LINK, ("banned",), beside=_OF_A_LINK + r"|\b(?:account|page|group)s?\b"),
    Row(ErrorClass.SERVER_FAULT, ("try again",)),
)


def classify(
    texts: Iterable[str], *, on_add: bool, http_status: int | None, additions: Mapping[str, str]
) -> ErrorClass | None:
    """Return the class of an error, None if its text is in no table.

    `additions` are the owner's texts and their classes. One that is the whole text wins over everything; one that is
    part of it wins over the table's words unless those are longer, since "error" is part of many texts.
    """
    pieces = [normalised(text) for text in texts]
    joined = "; ".join(pieces)
    owners = {normalised(text): ErrorClass(name) for text, name in additions.items() if normalised(text)}
    for piece in (joined, *pieces):
        if piece in owners:
            return owners[piece]
    inside = max((text for text in owners if text in joined), key=len, default="")
    if not _is_reason_phrase(pieces, http_status):
        for row in TABLE:
            fitting = row.fit(pieces, joined) if row.on_add or not on_add else 0
            if fitting:
                return owners[inside] if len(inside) >= fitting else row.error_class
    return owners.get(inside)


def normalised(text: str) -> str:
    """Return the text in lower case, with spaces collapsed and without the final dot."""
    return " ".join(text.lower().split()).removesuffix(".").rstrip()


def _is_reason_phrase(pieces: list[str], http_status: int | None) -> bool:
    # "Service Unavailable" under HTTP 503 is the gateway's name for its own status and says nothing about a service.
    if http_status is None or http_status < 500 or len(pieces) != 1:
        return False
    try:
        phrase = HTTPStatus(http_status).phrase.lower()
    except ValueError:
        return False
    return pieces[0] in (phrase, phrase.replace("service ", "service temporarily "))
