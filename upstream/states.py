"""States of orders and refills and how providers spell them. Any spelling that is not in the tables is unknown."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache


class OrderState(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    PARTIAL = "partial"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    FAILED = "failed"
    PAUSED = "paused"
    REFILLING = "refilling"
    ACTIVE = "active"
    EXPIRED = "expired"


class RefillState(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELED = "canceled"
    FAILED = "failed"
    PARTIAL = "partial"
    REFUNDED = "refunded"


_ORDER_SPELLINGS: dict[str, OrderState] = {
    "pending": OrderState.PENDING,
    "awaiting": OrderState.PENDING,
    "processing": OrderState.PROCESSING,
    "inprogress": OrderState.IN_PROGRESS,
    "inprogess": OrderState.IN_PROGRESS,
    "running": OrderState.IN_PROGRESS,
    "completed": OrderState.COMPLETED,
    "complete": OrderState.COMPLETED,
    "partial": OrderState.PARTIAL,
    "canceled": OrderState.CANCELED,
    "cancelled": OrderState.CANCELED,
    "canelled": OrderState.CANCELED,
    "refunded": OrderState.REFUNDED,
    "refund": OrderState.REFUNDED,
    "refunds": OrderState.REFUNDED,
    "fail": OrderState.FAILED,
    "failed": OrderState.FAILED,
    "error": OrderState.FAILED,
    "paused": OrderState.PAUSED,
    "suspended": OrderState.PAUSED,
    "holding": OrderState.PAUSED,
    "refill": OrderState.REFILLING,
    "refilling": OrderState.REFILLING,
    "active": OrderState.ACTIVE,
    "expired": OrderState.EXPIRED,
}

_NUMERIC_STATES: dict[str, OrderState] = {
    "0": OrderState.PENDING,
    "1": OrderState.PROCESSING,
    "2": OrderState.COMPLETED,
    "3": OrderState.PARTIAL,
    "4": OrderState.CANCELED,
    "5": OrderState.REFUNDED,
}

_REFILL_SPELLINGS: dict[str, RefillState] = {
    "pending": RefillState.PENDING,
    "awaiting": RefillState.PENDING,
    "inprogress": RefillState.IN_PROGRESS,
    "inprogess": RefillState.IN_PROGRESS,
    "running": RefillState.IN_PROGRESS,
    "completed": RefillState.COMPLETED,
    "rejected": RefillState.REJECTED,
    "canceled": RefillState.CANCELED,
    "cancelled": RefillState.CANCELED,
    "canelled": RefillState.CANCELED,
    "failed": RefillState.FAILED,
    "error": RefillState.FAILED,
    "partial": RefillState.PARTIAL,
    "refunded": RefillState.REFUNDED,
}

_DROPPED = str.maketrans("", "", "_-.")


@lru_cache(maxsize=1000)
def normalised_state(text: str) -> str:
    """Return the text in NFKC and lower case, without spaces, `_`, `-` and `.`."""
    folded = unicodedata.normalize("NFKC", text[:500]).lower()
    return "".join(folded.split()).translate(_DROPPED)


def order_state(text: str, *, numeric: bool, additions: Mapping[str, str]) -> OrderState | None:
    """Return the state a word means, None if it is in no table. `additions` maps the owner's words to our names."""
    word = normalised_state(text)
    if numeric and word in _NUMERIC_STATES:
        return _NUMERIC_STATES[word]
    for spelling, name in additions.items():
        if normalised_state(spelling) == word:
            return OrderState(name)
    return _ORDER_SPELLINGS.get(word)


def refill_state(text: str) -> RefillState | None:
    return _REFILL_SPELLINGS.get(normalised_state(text))
