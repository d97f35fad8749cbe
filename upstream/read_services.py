"""The answer to `services`: rows accepted or quarantined with reasons, or no list at all."""

from __future__ import annotations

from upstream.dialect import Dialect
from upstream.error_texts import find_error
from upstream.exchange import Exchange
from upstream.list_entries import Entry
from upstream.list_wrappers import Wrapped, keys_of
from upstream.messages import ServiceList
from upstream.service_rows import RowReader
from upstream.strict_json import Fields
from upstream.verdicts import malformed, question_answer, require_success, unavailable

# A list is not trusted if more than one in so many of its rows is no service.
_UNUSABLE_SHARE = 5


def read_services(exchange: Exchange, dialect: Dialect) -> ServiceList:
    """Return the list. Raises Unavailable if it cannot be trusted as a whole: then nothing changes here."""
    # 1. The list itself, inside wrappers, or the values of an object that PHP made of a list with gaps.
    answer = question_answer(exchange)
    wrapped = Wrapped(answer.value)
    rows = wrapped.rows
    if isinstance(rows, dict):
        fields = Fields(rows)
        if (error := find_error(fields)) is not None:
            unavailable(answer, error, dialect)
        if rows and not fields.doubled and 2 * sum(isinstance(row, dict) for row in rows.values()) > len(rows):
            rows = list(rows.values())
    if not isinstance(rows, list):
        malformed(answer, text=keys_of(rows))
    require_success(answer)
    if not rows:
        malformed(answer, "empty_list")
    if missing := wrapped.missing:
        malformed(answer, "one_page", text=missing)

    # 2. One entry for each id, with all rows that name it.
    reader = RowReader(dialect)
    ids = [reader.id_of(row) for row in rows]
    if ids.count(None) * _UNUSABLE_SHARE > len(rows):
        malformed(answer, text=f"rows without a service id: {keys_of(rows[0]) or 'no objects'}")
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
