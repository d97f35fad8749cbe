"""Own prices as a CSV file: exported, edited by the owner, and read back as a preview. Nothing is written here."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from catalog.models import Provider, Service
from catalog.prices.comparison import digest_of_lines
from catalog.prices.reprice import stored_prices
from catalog.prices.rulebook import RuleBook
from catalog.pricing import cost_of_unit
from core.money import is_amount, round_up
from core.numbers import NotANumber, ascii_digits, read_decimal
from core.refusals import Refusal

COLUMNS = ("id", "provider", "provider_id", "category", "name", "cost", "price", "own_price")
MAX_ROWS = 50_000
_MAX_PROBLEMS = 50
#: A spreadsheet would run a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class BadLine(Refusal):
    """A line of the file names no service, or a price that cannot be set."""

    code = "bad_line"


class NewPrice(NamedTuple):
    """A service's own price in the file, and the published prices before and after."""

    service_id: int
    own_price: Decimal | None
    old: Decimal | None
    new: Decimal | None


@dataclass
class SheetReading:
    """``prices`` are the rows that change something; ``problems`` name the lines that could not be read."""

    prices: list[NewPrice] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    read: int = 0

    @property
    def lifted(self) -> int:
        """How many prices stay above what the file asks for, because cost or a rule's bounds are higher."""
        return sum(p.own_price is not None and p.new is not None and p.new > p.own_price for p in self.prices)

    @property
    def text(self) -> str:
        """The prices that change as a file again."""
        lines = (f"{p.service_id},{'' if p.own_price is None else p.own_price}" for p in self.prices)
        return "\n".join(("id,own_price", *lines))

    @property
    def digest(self) -> str:
        """A digest of the changes: two readings with the same one would do the same to prices."""
        return digest_of_lines(f"{p.service_id} {p.own_price} {p.old} {p.new}" for p in sorted(self.prices))


def sheet_rows() -> Iterator[tuple[str, ...]]:
    """Yield the header and a row for each service, in the order of the shop."""
    yield COLUMNS
    services = Service.objects.select_related("source__provider", "category").order_by("category__position", "position")
    for service in services.iterator(chunk_size=2000):
        source = service.source
        rate = None if source.has_other_unit else source.rate
        cost = "" if rate is None else round_up(cost_of_unit(rate, source.provider.exchange_rate))
        cells = (
            service.pk, source.provider.name, source.external_id, service.category.name, service.name,
            cost, service.price, service.own_price,
        )  # fmt: skip
        yield tuple("" if cell is None else harmless(str(cell)) for cell in cells)


def read_sheet(text: str) -> SheetReading:
    """Return what the file would change. Its columns are id and own_price; an empty own_price means by the rules.

    Prices are read as spreadsheets write them; one that may be two different numbers is a problem of its line.
    """
    reading, wanted = SheetReading(), {}
    text = text.removeprefix("\ufeff")
    # Some spreadsheets say first how the columns are separated.
    if named := re.match(r"sep=(.)\r?\n", text):
        text = text[named.end() :]
    first = text.partition("\n")[0]
    # In countries that write 0,5, spreadsheets separate the columns with semicolons.
    delimiter, point = next(((d, p) for d, p in ((";", ","), ("\t", ""), (",", ".")) if d in first), (",", "."))
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        if rows.fieldnames is not None:
            rows.fieldnames = [name.strip().lower() for name in rows.fieldnames]
        if not {"id", "own_price"} <= set(rows.fieldnames or ()):
            reading.problems.append(_("The first line must name the columns id and own_price."))
            return reading
        for line, row in enumerate(rows, start=2):
            if line > MAX_ROWS:
                reading.problems.append(_("Only the first %(n)d lines were read.") % {"n": MAX_ROWS})
                break
            reading.read += 1
            try:
                service_id, price = _entry(row, point)
                wanted[service_id] = price
            except (BadLine, NotANumber) as refusal:
                if len(reading.problems) < _MAX_PROBLEMS:
                    words = {"line": line, "problem": refusal.message}
                    reading.problems.append(_("Line %(line)d: %(problem)s") % words)
    except csv.Error:
        reading.problems.append(_("This is not a valid CSV file."))
    book = RuleBook.now(Provider.objects.all())
    for stored in stored_prices(pk__in=list(wanted)):
        pk = stored.facts.service_id
        if wanted[pk] != stored.facts.own_price:
            new = book.price(stored.facts._replace(own_price=wanted[pk])).price
            reading.prices.append(NewPrice(pk, wanted[pk], stored.price, new))
    return reading


def _entry(row: dict[str, str], point: str) -> tuple[int, Decimal | None]:
    """The service id and own price of a line. Raises BadLine, NotANumber."""
    refuse_more_cells(row)
    number, price = ascii_digits((row["id"] or "").strip()), (row["own_price"] or "").strip()
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise BadLine(_("There is no service id."))
    if not price:
        return int(number), None
    amount = read_decimal(price, point=point, exponents=True)
    if not is_amount(amount):
        raise BadLine(_("A price is above zero and has at most five places."))
    return int(number), amount


def refuse_more_cells(row: dict[str, str]) -> None:
    """Raises BadLine for a line with more cells than columns: a comma inside a price has cut it in two."""
    if any(row.get(None) or []):  # type: ignore[call-overload]  # csv's key for cells beyond the last column
        raise BadLine(_("There are more cells than columns. Put a price with a comma into quotes."))


def harmless(cell: str) -> str:
    """Return the text quoted where a spreadsheet would run it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
