"""Failures of a call to a provider. Each class says what we now know about the request, not what broke."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upstream.exchange import Exchange

TEXT_LIMIT = 500


class ErrorClass(StrEnum):
    """What a provider's error text means for us, whatever its wording."""

    DUPLICATE_LINK = "duplicate_link"
    RATE_LIMITED = "rate_limited"
    BATCH_TOO_LARGE = "batch_too_large"
    INVALID_KEY = "invalid_key"
    ACCOUNT_BLOCKED = "account_blocked"
    NOT_ENOUGH_FUNDS = "not_enough_funds"
    MAINTENANCE = "maintenance"
    SERVICE_RESTING = "service_resting"
    SERVICE_GONE = "service_gone"
    BAD_QUANTITY = "bad_quantity"
    UNSUPPORTED = "unsupported"
    BAD_PARAMS = "bad_params"
    BAD_LINK = "bad_link"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_REFILL = "unknown_refill"
    NOT_ELIGIBLE = "not_eligible"
    SERVER_FAULT = "server_fault"
    OTHER = "other"


class ProviderFailure(Exception):
    """Base of every failure that leaves this room.

    `reason` is one machine word, `text` the provider's text or ours (at most 500 characters, never the key),
    `exchange` what went over the wire, `outage` says if the provider counts as down because of it.
    """

    def __init__(self, reason: str, text: str = "", exchange: Exchange | None = None, *, outage: bool = False) -> None:
        self.reason = reason
        self.text = bounded(exchange.without_key(text) if exchange else text)
        self.exchange = exchange
        self.outage = outage
        super().__init__(f"{reason}: {self.text}" if self.text else reason)

    @property
    def http_status(self) -> int | None:
        return self.exchange.http_status if self.exchange else None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the provider asks us to wait, None if it does not."""
        return self.exchange.retry_after if self.exchange else None


class NotSent(ProviderFailure):
    """No byte of the request reached the kernel: the wire counted zero sends. Safe to try again."""


#: The provider does not let us in.
SHUT_OUT = frozenset({ErrorClass.INVALID_KEY, ErrorClass.ACCOUNT_BLOCKED})
#: Errors of the moment or the account, not of what was asked about: asking about less would not help.
OF_THE_ACCOUNT = frozenset(
    {ErrorClass.RATE_LIMITED, ErrorClass.INVALID_KEY, ErrorClass.ACCOUNT_BLOCKED, ErrorClass.MAINTENANCE}
)


class Refused(ProviderFailure):
    """The provider read the request and declined it: nothing was done."""

    def __init__(
        self,
        error_class: ErrorClass,
        text: str = "",
        exchange: Exchange | None = None,
        *,
        noise: bool = False,
        outage: bool = False,
    ) -> None:
        self.error_class = error_class
        self.noise = noise
        super().__init__(error_class.value, text, exchange, outage=outage)


class InDoubt(ProviderFailure):
    """The request may have been carried out. It must not be repeated without evidence.

    `candidates` are canonical ids found in a spoiled answer: worth asking for, but no proof.
    """

    def __init__(
        self,
        reason: str,
        text: str = "",
        exchange: Exchange | None = None,
        *,
        candidates: tuple[str, ...] = (),
        error_class: ErrorClass | None = None,
        outage: bool = False,
    ) -> None:
        self.candidates = candidates
        self.error_class = error_class
        super().__init__(reason, text, exchange, outage=outage)


class Unavailable(ProviderFailure):
    """A question (services, status, refill_status, balance, orders) got no usable answer; nothing changes here."""

    def __init__(
        self,
        reason: str,
        text: str = "",
        exchange: Exchange | None = None,
        *,
        error_class: ErrorClass | None = None,
        outage: bool = False,
    ) -> None:
        self.error_class = error_class
        super().__init__(reason, text, exchange, outage=outage)


def word(value: object) -> str:
    """Return a state as a provider wrote it, whatever its type, fit for a database column; empty for none."""
    return "" if value is None else bounded(str(value))


def bounded(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return provider text fit for a database column: no NUL, no lone surrogate, at most `limit` characters."""
    head = text[: limit * 2].replace("\x00", "")
    return head.encode("utf-8", "ignore").decode("utf-8").strip()[:limit]
