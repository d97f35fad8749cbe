"""One row of a service list. A list has thousands, so its keys are looked up once for each shape of row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from upstream.amounts import NotPlain, NumberOutOfRange, amount, whole
from upstream.dialect import Dialect
from upstream.ids import canonical_id
from upstream.messages import ServiceListRow
from upstream.service_types import service_type
from upstream.strict_json import Doubled, as_json_safe, clean

_YES = ("1", "true", "yes")
_NO = ("", "0", "false", "no", "null", "none", "off")
_MOST_REPORTS = 100
_NAME_LIMIT = 1_000
_TEXT_LIMIT = 20_000
_NUL = b"\\u0000"
# Sorts the keys, so that a panel which writes the keys of a row in another order each time changes nothing.
_encode = msgspec.json.Encoder(order="deterministic").encode

Getter = Callable[[str], Any]
# Key of a row by lower-case name, the names that occur more than once, whether the keys are the names as they stand.
_Shape = tuple[dict[str, str], list[str], bool]


class RowReader:
    """Reads rows of one list. `reports` collects sentences for the owner, a bounded number of them."""

    def __init__(self, dialect: Dialect) -> None:
        self.reports: list[str] = []
        self._description_field = (dialect.description_field or "").lower()
        #: What the reading of a row depends on, other than the row itself.
        self.salt = self._description_field.encode()
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._types: dict[str, str | None] = {}

    def id_of(self, row: Any) -> str | None:
        """Return the id a row is about, None if it is no object or names none."""
        if not isinstance(row, dict):
            return None
        keys = self._shape(row)[0]
        name = keys.get("service") or keys.get("service_id") or keys.get("id")
        return canonical_id(row[name]) if name is not None else None

    def as_text(self, row: dict[str, Any]) -> bytes:
        """Return the row as JSON, bounded, fit for a database; a key that occurs twice keeps all its values."""
        if isinstance(row, Doubled):
            return _encode({**_raw(row), "_said": [as_json_safe([*pair], _TEXT_LIMIT) for pair in row.pairs]})
        try:
            text: bytes = _encode(row)
        except UnicodeEncodeError:
            return _encode(_raw(row))
        return text if len(text) <= _TEXT_LIMIT and _NUL not in text else _encode(_raw(row))

    def read(self, external_id: str, row: dict[str, Any], text: str) -> ServiceListRow:
        """Return the row; `external_id` and `text` are what :meth:`id_of` and :meth:`as_text` returned for it."""
        keys, doubled, is_plain = self._shape(row)
        get: Getter = row.get if is_plain else {name: row[key] for name, key in keys.items()}.get
        problems = [f"duplicate_key: the row holds {clean(key, 50)} more than once" for key in doubled]
        name = _text(get("name"), _NAME_LIMIT)
        if not name:
            problems.append("name_missing: the service has no name")
        type_name, raw_type = self._type(get("type"), problems)
        rate = _rate(get("rate"), problems)
        low, high = _limit("min", get("min"), problems), _limit("max", get("max"), problems)
        if low is not None and high is not None and low > high:
            problems.append("min_over_max: the smallest quantity is above the largest")
        description = _text(get(self._description_field), _TEXT_LIMIT) if self._description_field else ""
        return ServiceListRow(
            external_id=external_id,
            name=name,
            type=type_name,
            raw_type=raw_type,
            category=_text(get("category"), _NAME_LIMIT),
            rate=rate,
            min=low,
            max=high,
            description=description or _text(get("desc"), _TEXT_LIMIT) or _text(get("description"), _TEXT_LIMIT),
            refill=self._flag(external_id, "refill", get("refill")),
            cancel=self._flag(external_id, "cancel", get("cancel")),
            dripfeed=self._flag(external_id, "dripfeed", get("dripfeed")),
            average_time=_text(get("average_time"), 100) or None,
            quarantine=tuple(problems),
            raw=text,
        )

    def _shape(self, row: dict[str, Any]) -> _Shape:
        if isinstance(row, Doubled):
            return _shape_of(key for key, _value in row.pairs)
        names = tuple(row)
        shape = self._shapes.get(names)
        if shape is None:
            shape = _shape_of(names)
            if len(self._shapes) < 1000:
                self._shapes[names] = shape
        return shape

    def _type(self, value: Any, problems: list[str]) -> tuple[str, str]:
        if value is None:
            return "default", ""
        raw = _text(value, 100)
        if raw not in self._types:
            kind = service_type(raw)
            self._types[raw] = kind.name if kind else None
        name = self._types[raw]
        if name is None:
            problems.append("type_unknown: the fields an order of this type needs are not known")
        return name or "", raw

    def _flag(self, external_id: str, name: str, value: Any) -> bool:
        if value is None or isinstance(value, bool):
            return bool(value)
        word = str(value).strip().lower() if isinstance(value, str | int | Decimal) else "?"
        if word not in _YES and word not in _NO and len(self.reports) < _MOST_REPORTS:
            self.reports.append(f"Service {external_id}: {name} has the unknown code {clean(word, 20)}, read as no.")
        return word in _YES


def _shape_of(names: Iterable[str]) -> _Shape:
    keys: dict[str, str] = {}
    doubled: list[str] = []
    for name in names:
        folded = name.lower()
        if folded in keys and folded not in doubled:
            doubled.append(folded)
        keys.setdefault(folded, name)
    is_plain = all(name == key for name, key in keys.items())
    return keys, doubled, is_plain


def _rate(value: Any, problems: list[str]) -> Decimal | None:
    if value is None:
        problems.append("rate_missing: no rate is given")
        return None
    try:
        rate = amount(value)
    except NotPlain:
        problems.append("rate_unreadable: the rate is not a plain number")
        return None
    except NumberOutOfRange:
        problems.append("rate_out_of_range: the rate is beyond any sense")
        return None
    if rate == 0:
        problems.append("rate_zero: the rate is 0")
    elif rate < 0:
        problems.append("rate_negative: the rate is below 0")
    return rate


def _limit(name: str, value: Any, problems: list[str]) -> int | None:
    try:
        number = whole(value)
    except NotPlain:
        problems.append(f"{name}_unreadable: {name} is not a whole number")
        return None
    except NumberOutOfRange:
        problems.append(f"{name}_out_of_range: {name} is beyond any sense")
        return None
    if number < 1:
        problems.append(f"{name}_below_one: {name} is below 1")
        return None
    return number


def _text(value: Any, limit: int) -> str:
    if type(value) is str:
        # Cleaning would change nothing in most texts of a long list, and to check that costs less than to clean.
        is_clean = len(value) <= limit and value.isascii() and "\x00" not in value
        return (value if is_clean else clean(value, limit)).strip()
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    return ""


def _raw(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as received, with long texts cut and without what a database refuses."""
    return {clean(name, 100): as_json_safe(value, _TEXT_LIMIT) for name, value in row.items()}
