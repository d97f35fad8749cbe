"""States of orders and refills and how providers spell them. Any spelling that is not in the tables is unknown."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache


class ProviderOrderState(StrEnum):
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


class ProviderRefillState(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELED = "canceled"
    FAILED = "failed"
    PARTIAL = "partial"
    REFUNDED = "refunded"


_ORDER_SPELLINGS: dict[str, ProviderOrderState] = {
    "pending": ProviderOrderState.PENDING,
    "awaiting": ProviderOrderState.PENDING,
    "processing": ProviderOrderState.PROCESSING,
    "processingorder": ProviderOrderState.PROCESSING,
    "inprogress": ProviderOrderState.IN_PROGRESS,
    "inprogess": ProviderOrderState.IN_PROGRESS,
    "running": ProviderOrderState.IN_PROGRESS,
    "completed": ProviderOrderState.COMPLETED,
    "complete": ProviderOrderState.COMPLETED,
    "partial": ProviderOrderState.PARTIAL,
    "canceled": ProviderOrderState.CANCELED,
    "cancelled": ProviderOrderState.CANCELED,
    "canelled": ProviderOrderState.CANCELED,
    "refunded": ProviderOrderState.REFUNDED,
    "refund": ProviderOrderState.REFUNDED,
    "refunds": ProviderOrderState.REFUNDED,
    "fail": ProviderOrderState.FAILED,
    "failed": ProviderOrderState.FAILED,
    "error": ProviderOrderState.FAILED,
    "paused": ProviderOrderState.PAUSED,
    "suspended": ProviderOrderState.PAUSED,
    "holding": ProviderOrderState.PAUSED,
    "refill": ProviderOrderState.REFILLING,
    "refilling": ProviderOrderState.REFILLING,
    "active": ProviderOrderState.ACTIVE,
    "expired": ProviderOrderState.EXPIRED,
}

_NUMERIC_STATES: dict[str, ProviderOrderState] = {
    "0": ProviderOrderState.PENDING,
    "1": ProviderOrderState.PROCESSING,
    "2": ProviderOrderState.COMPLETED,
    "3": ProviderOrderState.PARTIAL,
    "4": ProviderOrderState.CANCELED,
    "5": ProviderOrderState.REFUNDED,
}

_REFILL_SPELLINGS: dict[str, ProviderRefillState] = {
    "pending": ProviderRefillState.PENDING,
    "awaiting": ProviderRefillState.PENDING,
    "inprogress": ProviderRefillState.IN_PROGRESS,
    "inprogess": ProviderRefillState.IN_PROGRESS,
    "running": ProviderRefillState.IN_PROGRESS,
    "completed": ProviderRefillState.COMPLETED,
    "rejected": ProviderRefillState.REJECTED,
    "canceled": ProviderRefillState.CANCELED,
    "cancelled": ProviderRefillState.CANCELED,
    "canelled": ProviderRefillState.CANCELED,
    "failed": ProviderRefillState.FAILED,
    "error": ProviderRefillState.FAILED,
    "partial": ProviderRefillState.PARTIAL,
    "refunded": ProviderRefillState.REFUNDED,
}

_DROPPED = str.maketrans("", "", "_-.")


@lru_cache(maxsize=1000)
def normalised_state(text: str) -> str:
    """Return the text in NFKC and lower case, without spaces, `_`, `-` and `.`."""
    folded = unicodedata.normalize("NFKC", text[:500]).lower()
    return "".join(folded.split()).translate(_DROPPED)


def order_state(text: str, *, numeric: bool, additions: Mapping[str, str]) -> ProviderOrderState | None:
    """Return the state a word means, None if it is in no table. `additions`, the owner's words, win over the tables."""
    word = normalised_state(text)
    for spelling, name in additions.items():
        if normalised_state(spelling) == word:
            return ProviderOrderState(name)
    if numeric and word in _NUMERIC_STATES:
        return _NUMERIC_STATES[word]
    return _ORDER_SPELLINGS.get(word)


def refill_state(text: str) -> ProviderRefillState | None:
    return _REFILL_SPELLINGS.get(normalised_state(text))
