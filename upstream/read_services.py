"""The answer to `services`: rows accepted or quarantined with reasons, or no list at all."""

from __future__ import annotations

from upstream.dialect import Dialect
from upstream.error_texts import find_error
from upstream.exchange import Exchange
from upstream.list_entries import Entry
from upstream.messages import ServiceList
from upstream.service_rows import RowReader
from upstream.strict_json import Fields
from upstream.verdicts import malformed, question_answer, require_success, unavailable

# A list is not trusted if more than one in so many of its rows is no service.
_UNUSABLE_SHARE = 5


def read_services(exchange: Exchange, dialect: Dialect) -> ServiceList:
    """Return the list. Raises Unavailable if it cannot be trusted as a whole: then nothing changes here."""
    # 1. The list itself, inside one wrapper, or the values of an object that PHP made of a list with gaps.
    answer = question_answer(exchange)
    rows = answer.value
    if isinstance(rows, dict):
        fields = Fields(rows)
        wrapped = [fields[key] for key in ("services", "data") if isinstance(fields.get(key), dict | list)]
        if not wrapped and (error := find_error(fields)) is not None:
            unavailable(answer, error, dialect)
        rows = wrapped[0] if wrapped else rows
    if isinstance(rows, dict) and rows and not Fields(rows).doubled:
        rows = list(rows.values())
    if not isinstance(rows, list):
        malformed(answer)
    require_success(answer)
    if not rows:
        malformed(answer, "empty_list")

    # 2. One entry for each id, with all rows that name it.
    reader = RowReader(dialect)
    ids = [reader.id_of(row) for row in rows]
    if ids.count(None) * _UNUSABLE_SHARE > len(rows):
        malformed(answer)
    entries: dict[str, Entry] = {}
    for external_id, row in zip(ids, rows, strict=True):
        if external_id is not None:
            entries.setdefault(external_id, Entry(external_id, reader)).rows.append(row)
    return ServiceList(
        entries=list(entries.values()),
        skipped=len(rows) - len(entries),
        noise=answer.noise,
        reports=reader.reports,
        exchange=exchange,
    )
