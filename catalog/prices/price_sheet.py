"""Prices as a table to take away, edit and bring back. Reading one says what it would do; nothing is written here."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from django.utils.translation import gettext as _

from catalog.models import Provider, Service
from catalog.prices.reprice import known_prices
from catalog.prices.rulebook import RuleBook
from catalog.pricing import cost_of_unit
from core.money import is_amount, round_up

COLUMNS = ("id", "provider", "provider_id", "category", "name", "cost", "price", "own_price")
MOST_ROWS = 50_000
_MOST_PROBLEMS = 50
#: A cell that begins so would be run as a formula by a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class NewPrice(NamedTuple):
    """A service's own price as the sheet says it, and the published prices before and after."""

    service_id: int
    own_price: Decimal | None
    old: Decimal | None
    new: Decimal | None


@dataclass
class SheetReading:
    """``prices`` are the rows that change something; ``problems`` name lines that were not understood."""

    prices: list[NewPrice] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    read: int = 0

    @property
    def lifted(self) -> int:
        """How many prices stay above what the sheet asks for, since cost or a rule's bounds are higher."""
        return sum(p.own_price is not None and p.new is not None and p.new > p.own_price for p in self.prices)


def sheet_rows() -> Iterator[tuple[str, ...]]:
    """The header and a row for each service, in the order of the shop."""
    yield COLUMNS
    services = Service.objects.select_related("source__provider", "category").order_by("category__position", "position")
    for service in services.iterator(chunk_size=2000):
        source = service.source
        cost = "" if source.rate is None else round_up(cost_of_unit(source.rate, source.provider.exchange_rate))
        cells = (
            service.pk, source.provider.name, source.external_id, service.category.name, service.name,
            cost, service.price, service.own_price,
        )  # fmt: skip
        yield tuple("" if cell is None else harmless(str(cell)) for cell in cells)


def read_sheet(text: str) -> SheetReading:
    """What the sheet would change. It needs the columns id and own_price; an empty own_price goes by the rules."""
    reading, wanted = SheetReading(), {}
    text = text.removeprefix("\ufeff")
    # Spreadsheets of countries that write 0,5 part the columns with semicolons.
    parted = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(io.StringIO(text), delimiter=parted)
    if not {"id", "own_price"} <= set(rows.fieldnames or ()):
        reading.problems.append(_("The first line must name the columns id and own_price."))
        return reading
    try:
        for line, row in enumerate(rows, start=2):
            if line > MOST_ROWS:
                reading.problems.append(_("Only the first %(n)d lines were read.") % {"n": MOST_ROWS})
                break
            reading.read += 1
            found = _entry(row)
            if found is not None:
                wanted[found[0]] = found[1]
            elif len(reading.problems) < _MOST_PROBLEMS:
                reading.problems.append(_("Line %(line)d has no service id, or no price above zero.") % {"line": line})
    except csv.Error:
        reading.problems.append(_("This is not a CSV file."))
    reading.prices = _effects(wanted)
    return reading


def _entry(row: dict[str, str]) -> tuple[int, Decimal | None] | None:
    number, said = (row["id"] or "").strip(), (row["own_price"] or "").strip()
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    if not said:
        return int(number), None
    try:
        amount = Decimal(said)
    except InvalidOperation:
        return None
    return (int(number), amount) if is_amount(amount) else None


def _effects(wanted: dict[int, Decimal | None]) -> list[NewPrice]:
    book = RuleBook.now(Provider.objects.all())
    return [
        NewPrice(pk, wanted[pk], known.price, book.price(known.facts._replace(own_price=wanted[pk])).price)
        for known in known_prices(pk__in=list(wanted))
        if (pk := known.facts.service_id) in wanted and wanted[pk] != known.facts.own_price
    ]


def harmless(cell: str) -> str:
    """The text as a spreadsheet shows it and does not run it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
