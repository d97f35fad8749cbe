"""The answer to `status`, one order or many. Each item is read on its own; a bad one never stops the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from upstream.dialect import Dialect
from upstream.errors import ErrorClass, Unavailable, bounded, word
from upstream.exchange import Exchange
from upstream.faults import Fault, find_fault, texts_in
from upstream.ids import canonical_id
from upstream.items import items_by_id
from upstream.messages import Ignored, ItemError, Missing, OrderStatus, StatusItem
from upstream.order_facts import RESULT_KEYS, facts
from upstream.states import OrderState, normalised_state, order_state
from upstream.strict_json import Fields
from upstream.verdicts import Answer, item_class, malformed, question_answer, require_success

# Said about one order these are words about the call, our account or the panel, not about that order.
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
class Reader:
    """How to read one provider: its dialect, and the currency its charges should be in."""

    dialect: Dialect
    currency: str

    def one(self, exchange: Exchange, asked: str) -> StatusItem:
        """The reading for a single order. Raises Unavailable if the call as a whole failed."""
        answer = question_answer(exchange)
        value = _for_single(answer.value, asked)
        if not isinstance(value, dict):
            malformed(answer)
        fields = _unwrapped(Fields(value))
        if _is_bare_failure(fields):
            require_success(answer)
            return Ignored("no_state", str(fields["status"]))
        item = self.item(fields, asked)
        if isinstance(item, ItemError):
            if item.error_class in _CALL_CLASSES or answer.is_outage:
                raise Unavailable("error", item.text, exchange, error_class=item.error_class, outage=answer.is_outage)
            return item
        require_success(answer)
        return _marked(item, answer)

    def many(self, exchange: Exchange, asked: Sequence[str]) -> dict[str, StatusItem]:
        """A reading for every asked canonical id. Raises Unavailable if the call as a whole failed."""
        answer = question_answer(exchange)
        found = items_by_id(answer, asked, ("order", "order_id"), self.dialect)
        require_success(answer)
        return {one: _marked(self._of(found.get(one, []), one), answer) for one in asked}

    def _of(self, values: list[Any], asked: str) -> StatusItem:
        if not values:
            return Missing()
        if any(value != values[0] for value in values[1:]):
            return Ignored("conflicting_duplicates")
        if not isinstance(values[0], dict):
            return Ignored("not_an_object")
        return self.item(Fields(values[0]), asked)

    def item(self, fields: Fields, asked: str) -> StatusItem:
        """The reading of one order's object."""
        if fields.doubled:
            return Ignored("conflicting_duplicates")
        if ("order" in fields or "order_id" in fields) and any(e not in (None, asked) for e in _echoes(fields)):
            return Ignored("other_order")
        has_result = any(fields.get(key) is not None for key in RESULT_KEYS)
        fault = find_fault(fields, has_result=has_result) or _fault_in_state(fields.get("status"))
        if fault is not None:
            return self._error(fault, fields, has_result)
        return self._state(fields)

    def _error(self, fault: Fault, fields: Fields, has_result: bool) -> StatusItem:
        status = fields.get("status")
        if has_result or (isinstance(status, str) and self._lookup(status) not in (None, OrderState.FAILED)):
            return Ignored("contradictory", word(status) if isinstance(status, str) else "")
        return ItemError(item_class(fault, self.dialect), bounded(fault.text))

    def _state(self, fields: Fields) -> StatusItem:
        status = fields.get("status")
        raw = word(status)
        if not raw or normalised_state(raw) == "success":
            return Ignored("no_state", raw)
        # Looked up as it came: a word that had to be cleaned is a word nobody documents.
        state = self._lookup(str(status)) if isinstance(status, str) or type(status) is int else None
        if state is None:
            return Ignored("unknown_state", raw)
        return OrderStatus(state=state, raw_state=raw, **facts(fields, self.currency))

    def _lookup(self, text: str) -> OrderState | None:
        return order_state(text, numeric=self.dialect.numeric_states, additions=self.dialect.state_map)


def _for_single(value: Any, asked: str) -> Any:
    """The object for a single order; panels also answer it as a list of one or keyed by the id."""
    if isinstance(value, list):
        rows = [row for row in value if isinstance(row, dict) and asked in _echoes(Fields(row))]
        return rows[0] if len(rows) == 1 else None
    if isinstance(value, dict):
        fields = Fields(value)
        inner = [item for key, item in value.items() if canonical_id(key) == asked]
        if len(inner) == 1 and isinstance(inner[0], dict) and "status" not in fields and not fields.doubled:
            return inner[0]
    return value


def _unwrapped(fields: Fields) -> Fields:
    """Opens `data` when the outer status is absent or only the flag of a call."""
    inner, status = fields.get("data"), fields.get("status")
    flag = status is None or (isinstance(status, str) and normalised_state(status) in ("success", "ok"))
    if isinstance(inner, dict) and flag and not any(key in fields for key in RESULT_KEYS):
        return Fields(inner)
    return fields


def _is_bare_failure(fields: Fields) -> bool:
    # `{"status": "fail"}` alone may be the state of the order or the flag of a failed call; money hangs on it.
    status = fields.get("status")
    return len(fields) == 1 and isinstance(status, str) and status.strip().lower() in ("error", "fail", "failed")


def _echoes(fields: Fields) -> list[str | None]:
    return [canonical_id(fields.get(key)) for key in ("order", "order_id")]


def _fault_in_state(status: Any) -> Fault | None:
    texts = texts_in(status) if isinstance(status, dict | list) else ()
    return Fault(texts) if texts else None


def _marked(item: StatusItem, answer: Answer) -> StatusItem:
    return replace(item, noise=True) if answer.noise and isinstance(item, OrderStatus) else item
