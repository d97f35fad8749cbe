"""The answer to `services`: rows accepted or quarantined with reasons, or no list at all."""

from __future__ import annotations

from typing import Any

from upstream.dialect import Dialect
from upstream.exchange import Exchange
from upstream.faults import find_fault
from upstream.list_entries import Entry
from upstream.messages import ServiceList
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
    ids = [reader.id_of(row) for row in rows]
    if ids.count(None) * _UNUSABLE_SHARE > len(rows):
        malformed(answer)
    entries: dict[str, Entry] = {}
    for external_id, row in zip(ids, rows, strict=True):
        if external_id is not None:
            entries.setdefault(external_id, Entry(external_id, reader)).said.append(row)
    return ServiceList(
        entries=list(entries.values()),
        skipped=len(rows) - len(entries),
        noise=answer.noise,
        reports=reader.reports,
        exchange=exchange,
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
