"""The provider's price list: served byte for byte as given, read tolerantly to price orders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from upstream.simulator.type_rules import TypeRules, rules_for

_YES = {"true", "1", "yes"}
_MARKED = re.compile(r'"\\u0000([0-9eE.+-]+)"')
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?")


@dataclass(frozen=True, slots=True)
class SimulatedService:
    """One row as the provider itself understands it. ``rate`` is per 1,000, or per package for package types."""

    id: str
    name: str
    kind: TypeRules
    rate: Decimal
    low: int
    high: int
    refill: bool
    cancel: bool
    dripfeed: bool | None


@dataclass(slots=True)
class Catalog:
    """The rows (``raw`` is what ``services`` answers) and the services that can be ordered, by canonical id."""

    rows: list[Any]
    raw: bytes
    services: dict[str, SimulatedService] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Iterable[Any]) -> Catalog:
        return cls.from_bytes(write_rows(list(rows)))

    @classmethod
    def from_file(cls, path: str | Path) -> Catalog:
        return cls.from_bytes(Path(path).read_bytes())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Catalog:
        """Raise ValueError when the bytes are no JSON list; a single bad row is served but cannot be ordered."""
        rows = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal)
        if not isinstance(rows, list):
            raise ValueError("a catalog is a JSON list of services")
        catalog = cls(rows, raw)
        for row in rows:
            service = read_service(row)
            if service:
                catalog.services.setdefault(service.id, service)
        return catalog

    def find(self, text: str) -> SimulatedService | None:
        return self.services.get(canonical_id(text))

    def repriced(self, rates: Mapping[str, str]) -> Catalog:
        """Return the list with other rates, a text for each service id. Raise KeyError for an id not in the list."""
        wanted = {canonical_id(key): str(value) for key, value in rates.items()}
        missing = wanted.keys() - {row_id(row) for row in self.rows}
        if missing:
            raise KeyError(f"no service {', '.join(sorted(missing))}")
        return Catalog.from_rows(
            row | {"rate": wanted[row_id(row)]} if row_id(row) in wanted else row for row in self.rows
        )


def write_rows(rows: list[Any]) -> bytes:
    """Return rows as JSON, each number exact: a Decimal is written as a marked text, then the marks are removed."""
    text = json.dumps(rows, ensure_ascii=False, default=lambda number: f"\0{number}")
    return _MARKED.sub(r"\1", text).encode("utf-8", "surrogatepass")


def read_service(row: Any) -> SimulatedService | None:
    """Return the service in one row of any dialect, None if nobody could sell it."""
    if not isinstance(row, dict) or not row_id(row):
        return None
    rate, low, high = (_amount(row.get(key)) for key in ("rate", "min", "max"))
    if rate is None or low is None or high is None or rate < 0:
        return None
    drip = row.get("dripfeed")
    return SimulatedService(
        id=row_id(row),
        name=str(row.get("name") or ""),
        kind=rules_for(row.get("type")),
        rate=rate,
        low=int(low),
        high=int(high),
        refill=_yes(row.get("refill")),
        cancel=_yes(row.get("cancel")),
        dripfeed=None if drip is None else _yes(drip),
    )


def row_id(row: Any) -> str:
    """Return the canonical id of a row, empty if it has none."""
    if not isinstance(row, dict):
        return ""
    return canonical_id(row.get("service", row.get("id")))


def canonical_id(value: object) -> str:
    text = "" if value is None or isinstance(value, bool | list | dict) else str(value).strip()
    return (text.lstrip("0") or "0") if text.isascii() and text.isdigit() else text


def _amount(value: object) -> Decimal | None:
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    if not _NUMBER.fullmatch(text) or len(text) > 60:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _yes(value: object) -> bool:
    return str(value).strip().lower() in _YES
