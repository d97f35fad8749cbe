"""The answer to `services`: rows accepted or quarantined with reasons, or no list at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from upstream.dialect import Dialect
from upstream.exchange import Exchange
from upstream.faults import find_fault
from upstream.messages import ServiceList, ServiceRow
from upstream.service_rows import RowReader
from upstream.strict_json import Fields
from upstream.verdicts import Answer, malformed, question_answer, require_success, unavailable

# Above this share of rows that are no services the list as a whole is not believed.
_UNUSABLE_SHARE = 5


def read_services(exchange: Exchange, dialect: Dialect) -> ServiceList:
    """Raises Unavailable if the list as a whole cannot be believed: then nothing changes here."""
    answer = question_answer(exchange)
    rows = _rows(answer, dialect)
    require_success(answer)
    if not rows:
        malformed(answer, "empty_list")
    reader = RowReader(dialect)
    read = [reader.read(row) for row in rows]
    unusable = read.count(None)
    if unusable * _UNUSABLE_SHARE > len(rows):
        malformed(answer)
    kept, merged = _without_repeats([row for row in read if row is not None])
    return ServiceList(
        rows=kept, skipped=unusable + merged, noise=answer.noise, reports=reader.reports, exchange=exchange
    )


def _rows(answer: Answer, dialect: Dialect) -> list[Any]:
    """The list itself, inside one wrapper, or the values of an object that PHP made of a list with gaps."""
    value = answer.value
    if isinstance(value, dict):
        fields = Fields(value)
        wrapped = [fields[key] for key in ("services", "data") if isinstance(fields.get(key), dict | list)]
        if not wrapped and (fault := find_fault(fields)) is not None:
            unavailable(answer, fault, dialect)
        value = wrapped[0] if wrapped else value
    if isinstance(value, dict) and value and not Fields(value).doubled:
        value = list(value.values())
    if not isinstance(value, list):
        malformed(answer)
    return value


def _without_repeats(rows: list[ServiceRow]) -> tuple[list[ServiceRow], int]:
    """Exact repeats are merged; of two rows that disagree the first is kept, in quarantine."""
    places: dict[str, int] = {}
    kept: list[ServiceRow] = []
    for row in rows:
        place = places.setdefault(row.external_id, len(kept))
        if place == len(kept):
            kept.append(row)
        elif row != kept[place] and not any(_is_conflict(why) for why in kept[place].quarantine):
            reason = "conflicting_duplicates: the list names this service more than once, differently"
            kept[place] = replace(kept[place], quarantine=(*kept[place].quarantine, reason))
    return kept, len(rows) - len(kept)


def _is_conflict(reason: str) -> bool:
    return reason.startswith("conflicting_duplicates:")
