"""Is there an error in this answer, and which words does it use?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from upstream.strict_json import Doubled, Fields

_FAILED_WORDS = ("error", "fail", "failed")


@dataclass(frozen=True)
class Fault:
    """The error's texts. Without any, the answer hints at an error that says nothing: no basis for a verdict."""

    texts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "; ".join(self.texts)


def find_fault(fields: Fields, *, has_result: bool = False) -> Fault | None:
    """The error an object speaks of, None if it speaks of none.

    `null`, `false`, `""`, `[]` and `{}` are no error. A status of error, fail or failed with a message is one only
    where the answer holds no result.
    """
    error = fields.get("error")
    if texts := texts_in(error):
        return Fault(texts)
    message = texts_in(fields.get("message")) or texts_in(fields.get("msg"))
    if _says_yes(error):
        return Fault(message)
    if texts := texts_in(fields.get("errors")):
        return Fault(texts)
    if message and not has_result and _failed_word(fields.get("status")):
        return Fault(message)
    return None


def fault_inside(value: Any) -> Fault | None:
    """An error in the place of a value: `{"refill": {"error": ...}}`. An object that names no error is none."""
    return find_fault(Fields(value)) if isinstance(value, dict) else None


def texts_in(value: Any) -> tuple[str, ...]:
    """The non-empty texts of a text, or of a list or object of texts, in order.

    All of them and whole: a panel prints the query before the words that tell of its fault, and a text cut in between
    would pass for a refusal. The cap on bodies and on their nesting bounds this as well.
    """
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if not isinstance(value, dict | list):
        return ()
    if isinstance(value, Doubled):
        return texts_in([said for _key, said in value.pairs])
    items = value.values() if isinstance(value, dict) else value
    return tuple(text for item in items for text in texts_in(item))


def _says_yes(error: Any) -> bool:
    if isinstance(error, dict | list):
        return bool(error)
    return error is True or (isinstance(error, int | Decimal) and error != 0)


def _failed_word(status: Any) -> bool:
    return isinstance(status, str) and status.strip().lower() in _FAILED_WORDS
