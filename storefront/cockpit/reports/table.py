"""One table of a report: the same cells on the page and in the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from billing.csvtext import harmless
from core.templatetags.money import money_html, slot_class
from core.templatetags.shop import duration_text, num
from storefront.cockpit.charts import percent_text

NOTHING = "–"
#: Rows on a page; the file has all.
MOST = 100


@dataclass(frozen=True)
class Column:
    """``css`` is where a narrow page puts it: c-e is the figure next to the name, c-no is left out."""

    name: Promise
    kind: str = "money"
    css: str = "c-x"


@dataclass(frozen=True)
class Line:
    """``values`` are one for each column: amounts, counts, shares in percent, days, seconds, or None.

    ``day`` is the day that the line is about, if it is about one: the chart above marks it.
    """

    name: str
    values: Sequence[Any]
    url: str = ""
    day: date | None = None


@dataclass(frozen=True)
class Table:
    first: Promise
    columns: Sequence[Column]
    lines: Sequence[Line]
    total: Line | None = None
    #: Lines between the rows and the total, which belong to none of the rows.
    apart: Sequence[Line] = field(default_factory=tuple)
    #: Rows that were left out before.
    hidden: int = 0

    @property
    def slots(self) -> str:
        """The class that leaves room for the finest of the amounts, so that their points stand in line."""
        of_money = [n for n, column in enumerate(self.columns) if column.kind == "money"]
        lines = (*self.lines[:MOST], *self.apart, *([self.total] if self.total else []))
        return slot_class(line.values[n] for line in lines for n in of_money)

    @property
    def shown(self) -> list[tuple[Line, list[tuple[Column, SafeString | str]]]]:
        return [self._cells(line) for line in self.lines[:MOST]]

    @property
    def foot(self) -> list[tuple[Line, list[tuple[Column, SafeString | str]]]]:
        return [self._cells(line) for line in (*self.apart, *([self.total] if self.total else []))]

    @property
    def left_out(self) -> int:
        return self.hidden + max(0, len(self.lines) - MOST)

    def _cells(self, line: Line) -> tuple[Line, list[tuple[Column, SafeString | str]]]:
        return line, [(c, shown(v, c.kind)) for c, v in zip(self.columns, line.values, strict=True)]

    def file_rows(self) -> Iterator[list[str]]:
        """Yield the heading and a row for each line, with all digits."""
        yield [str(self.first), *(str(column.name) for column in self.columns)]
        for line in (*self.lines, *self.apart, *([self.total] if self.total else [])):
            yield [harmless(line.name), *(_plain(value) for value in line.values)]


def shown(value: Any, kind: str) -> SafeString | str:
    """A value as the page shows it."""
    if value is None:
        return NOTHING
    if kind == "money":
        # With all digits: rounded amounts would not add up to their total.
        return money_html(value, slotted=True)
    if kind == "percent":
        return percent_text(Decimal(value))
    if kind == "time":
        return duration_text(timedelta(seconds=value))
    if kind == "day":
        return date_format(value, "j M Y")
    return num(value) if kind == "count" else str(value)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:.5f}"
    return "" if value is None else value.isoformat() if isinstance(value, date) else harmless(str(value))
