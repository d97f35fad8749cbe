"""The answer to `status`, one order or many. Each item is read on its own; a bad one never stops the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from upstream.dialect import Dialect
from upstream.error_texts import ErrorTexts, find_error, texts_in
from upstream.errors import ErrorClass, Unavailable, bounded, word
from upstream.exchange import Exchange
from upstream.ids import canonical_id
from upstream.items import items_by_id, object_for
from upstream.messages import Ignored, ItemError, OrderStatus, StatusItem
from upstream.order_facts import RESULT_KEYS, facts
from upstream.states import ProviderOrderState, normalised_state, order_state
from upstream.strict_json import Fields
from upstream.verdicts import JsonAnswer, item_class, malformed, question_answer, require_success

# In the answer about one order, errors of these classes are about the call, our account or the panel, not that order.
_CALL_CLASSES = frozenset(
    {
        ErrorClass.INVALID_KEY,
        ErrorClass.ACCOUNT_BLOCKED,
        ErrorClass.NOT_ENOUGH_FUNDS,
        ErrorClass.RATE_LIMITED,
        ErrorClass.MAINTENANCE,
        ErrorClass.UNSUPPORTED,
        ErrorClass.BATCH_TOO_LARGE,
        ErrorClass.SERVER_FAULT,
    }
)


@dataclass(frozen=True)
class StatusReader:
    """How to read one provider: its dialect, and the currency its charges should be in."""

    dialect: Dialect
    currency: str

    def one(self, exchange: Exchange, asked: str) -> StatusItem:
        """Return the item about a single order. Raises Unavailable if the call as a whole failed."""
        answer = question_answer(exchange)
        fields = _single_object(answer, asked)
        status = fields.get("status")
        if len(fields) == 1 and isinstance(status, str) and status.strip().lower() in ("error", "fail", "failed"):
            # Alone, it may be the state of the order or the flag of a failed call, and money depends on which.
            require_success(answer)
            return Ignored("no_state", status)
        item = self.item(fields, asked)
        if isinstance(item, ItemError):
            if item.error_class in _CALL_CLASSES or answer.is_outage:
                raise Unavailable("error", item.text, exchange, error_class=item.error_class, outage=answer.is_outage)
            return item
        require_success(answer)
        return _marked(item, answer)

    def many(self, exchange: Exchange, asked: Sequence[str]) -> dict[str, StatusItem]:
        """Return an item for every asked canonical id. Raises Unavailable if the call as a whole failed."""
        answer = question_answer(exchange)
        items = items_by_id(answer, asked, ("order", "order_id"), self.dialect)
        require_success(answer)
        found: dict[str, StatusItem] = {}
        for order_id in asked:
            fields = object_for(order_id, items)
            item = self.item(fields, order_id) if isinstance(fields, Fields) else fields
            found[order_id] = _marked(item, answer)
        return found

    def item(self, fields: Fields, asked: str) -> StatusItem:
        """Return the item that one object says of the asked order."""
        # 1. An object about this order, without a key that occurs twice.
        if fields.doubled:
            return Ignored("conflicting_duplicates")
        if any(echo not in (None, asked) for echo in _echoes(fields)):
            return Ignored("other_order")

        # 2. An error. With a result or a state in the same object, it proves nothing.
        status = fields.get("status")
        has_result = any(fields.get(key) is not None for key in RESULT_KEYS)
        error = find_error(fields, has_result=has_result)
        if error is None and isinstance(status, dict | list) and (texts := texts_in(status)):
            error = ErrorTexts(texts)
        if error is not None:
            if has_result or (isinstance(status, str) and self._state(status) not in (None, ProviderOrderState.FAILED)):
                return Ignored("contradictory", word(status) if isinstance(status, str) else "")
            return ItemError(item_class(error, self.dialect), bounded(error.text))

        # 3. A state. It is looked up as received: a word that had to be cleaned is a word nobody documents.
        raw = word(status)
        if not raw or normalised_state(raw) == "success":
            return Ignored("no_state", raw)
        state = self._state(str(status)) if isinstance(status, str) or type(status) is int else None
        if state is None:
            return Ignored("unknown_state", raw)
        return OrderStatus(state=state, raw_state=raw, **facts(fields, self.currency))

    def _state(self, text: str) -> ProviderOrderState | None:
        return order_state(text, numeric=self.dialect.numeric_states, additions=self.dialect.state_map)


def _single_object(answer: JsonAnswer, asked: str) -> Fields:
    """Return the object about a single order; panels also answer a list of one, an object keyed by id, or a wrapper.

    Raises Unavailable if there is no such object.
    """
    value = answer.value
    if isinstance(value, list):
        rows = [row for row in value if isinstance(row, dict) and asked in _echoes(Fields(row))]
        value = rows[0] if len(rows) == 1 else None
    elif isinstance(value, dict):
        fields = Fields(value)
        keyed = [item for key, item in value.items() if canonical_id(key) == asked]
        if len(keyed) == 1 and isinstance(keyed[0], dict) and "status" not in fields and not fields.doubled:
            value = keyed[0]
    if not isinstance(value, dict):
        malformed(answer)
    fields = Fields(value)
    # The object is inside `data` if the outer status is absent or only the flag of a call.
    inner, status = fields.get("data"), fields.get("status")
    is_flag = status is None or (isinstance(status, str) and normalised_state(status) in ("success", "ok"))
    if isinstance(inner, dict) and is_flag and not any(key in fields for key in RESULT_KEYS):
        return Fields(inner)
    return fields


def _echoes(fields: Fields) -> list[str | None]:
    """Return the ids by which the object itself names its order."""
    return [canonical_id(fields.get(key)) for key in ("order", "order_id")]


def _marked(item: StatusItem, answer: JsonAnswer) -> StatusItem:
    return replace(item, noise=True) if answer.noise and isinstance(item, OrderStatus) else item
