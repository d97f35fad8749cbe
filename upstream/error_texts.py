"""Does this answer report an error, and in which words?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from upstream.strict_json import Doubled, Fields


@dataclass(frozen=True)
class ErrorTexts:
    """The texts of an error in an answer. If empty, the answer hints at an error without a text: no verdict follows."""

    texts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "; ".join(self.texts)


def find_error(fields: Fields, *, has_result: bool = False) -> ErrorTexts | None:
    """Return the error that an object reports, None if it reports none.

    `null`, `false`, `""`, `[]` and `{}` are no error. A status of error, fail or failed with a message is one only
    where the answer holds no result.
    """
    error = fields.get("error")
    if texts := texts_in(error):
        return ErrorTexts(texts)
    message = texts_in(fields.get("message")) or texts_in(fields.get("msg"))
    if isinstance(error, dict | list | int | Decimal) and error:
        return ErrorTexts(message)
    if texts := texts_in(fields.get("errors")):
        return ErrorTexts(texts)
    status = fields.get("status")
    if isinstance(status, str) and status.strip().lower() in ("error", "fail", "failed") and message and not has_result:
        return ErrorTexts(message)
    return None


def error_inside(value: Any) -> ErrorTexts | None:
    """Return the error in the place of a value: `{"refill": {"error": ...}}`. An object that names none has none."""
    return find_error(Fields(value)) if isinstance(value, dict) else None


def texts_in(value: Any) -> tuple[str, ...]:
    """Return the non-empty texts of a text, or of a list or object of texts, in order.

    All of them, at full length: a panel prints the query before the words that name its fault, and a text cut in
    between would pass for a refusal. The limits of bodies and of their nesting bound this as well.
    """
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if not isinstance(value, dict | list):
        return ()
    if isinstance(value, Doubled):
        return texts_in([item for _key, item in value.pairs])
    items = value.values() if isinstance(value, dict) else value
    return tuple(text for item in items for text in texts_in(item))
