"""Customers' own prices as a CSV file: exported, edited by the owner, and read back as a preview."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.models import Category, CustomerPrice, Service
from catalog.prices.comparison import digest_of_lines
from catalog.prices.customer_prices import last_day
from catalog.prices.price_sheet import BadLine, harmless, refuse_more_cells
from core.money import is_amount
from core.numbers import NotANumber, ascii_digits, read_decimal
from core.staff_actions import Actor, Change, record_staff_changes

COLUMNS = ("customer", "service", "unit", "price", "category", "percent", "until")
MAX_ROWS = 20_000
_MAX_PROBLEMS = 50
#: What a price is about, what was promised, and what its name is made of.
_ABOUT, _TERMS = ("service_id", "category_id"), ("price", "percent", "ends_at")
_NAMES = ("customer__email", "service__name", "category__name")


class Terms(NamedTuple):
    """What a customer was promised: a price or a percentage, and until when."""

    price: Decimal | None
    percent: Decimal | None
    ends_at: datetime | None


class PromisedPrice(NamedTuple):
    """One line: a service with its price, or a category with its percentage.

    ``unit`` is the one that the service is sold in. ``before`` is what the customer has for the same thing so far.
    """

    customer_id: int
    email: str
    service_id: int | None
    category_id: int | None
    price: Decimal | None
    percent: Decimal | None
    ends_at: datetime | None
    unit: str = ""
    before: Terms | None = None

    @property
    def about(self) -> tuple[int, int | None, int | None]:
        """The customer with the service or category: of each there is one price."""
        return self.customer_id, self.service_id, self.category_id


@dataclass
class CustomerSheet:
    """``prices`` are the lines that can be set; ``problems`` name those that cannot, ``read`` counts all.

    ``text`` holds the lines that can be set as a file again, as they were written.
    """

    prices: list[PromisedPrice] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    read: int = 0
    text: str = ""

    @property
    def digest(self) -> str:
        """A digest of what is set and what was there before: two sheets with the same one would do the same."""
        return digest_of_lines(str(tuple(price)) for price in self.prices)


class _Known(NamedTuple):
    """What lines may name: customers by address, units by service, categories."""

    customers: dict[str, int]
    units: dict[int, str]
    categories: set[int]


def sheet_rows() -> Iterator[tuple[str, ...]]:
    """Yield the header and a row for each customer price."""
    yield COLUMNS
    rows = CustomerPrice.objects.select_related("customer", "service__source").order_by("customer__email", "pk")
    for row in rows.iterator(chunk_size=2000):
        cells = (
            row.customer.email, row.service_id, row.service.unit if row.service else None, row.price,
            row.category_id, row.percent, row.ends_at and _until(row.ends_at),
        )  # fmt: skip
        yield tuple("" if cell is None else harmless(str(cell)) for cell in cells)


def read_sheet(text: str, *, lock: bool = False) -> CustomerSheet:
    """Return what the file says, in COLUMNS; nothing is written. A later line about the same thing counts.

    ``lock``: the customers' prices stay as they are until the caller's transaction ends.
    """
    sheet = CustomerSheet()
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter, point = next(((d, p) for d, p in ((";", ","), ("\t", ""), (",", ".")) if d in first), (",", "."))
    lines = _lines(text, delimiter, sheet)
    known = _known(lines)
    found: dict[tuple[int, int | None, int | None], tuple[PromisedPrice, dict[str, str]]] = {}
    for n, row in enumerate(lines, start=2):
        try:
            promised = _promise(row, point, known)
        except (BadLine, NotANumber) as refusal:
            if len(sheet.problems) < _MAX_PROBLEMS:
                sheet.problems.append(_("Line %(line)d: %(problem)s") % {"line": n, "problem": refusal.message})
        else:
            found[promised.about] = promised, row
    before = _terms_before((promised for promised, _row in found.values()), lock=lock)
    sheet.prices = [promised._replace(before=before.get(about)) for about, (promised, _row) in found.items()]
    kept = io.StringIO()
    writer = csv.writer(kept, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(row, name) for name in COLUMNS] for _promised, row in found.values())
    sheet.text = kept.getvalue()
    return sheet


def _lines(text: str, delimiter: str, sheet: CustomerSheet) -> list[dict[str, str]]:
    """The lines of the file, counted in ``sheet``, or none and a problem there."""
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        if rows.fieldnames is not None:
            rows.fieldnames = [name.strip().lower() for name in rows.fieldnames]
        if not {"customer"} < set(rows.fieldnames or ()):
            sheet.problems.append(_("The first line must name the columns: %(names)s.") % {"names": ", ".join(COLUMNS)})
            return []
        lines = list(islice(rows, MAX_ROWS))
        if next(rows, None) is not None:
            sheet.problems.append(_("Only the first %(n)d lines were read.") % {"n": MAX_ROWS})
    except csv.Error:
        sheet.problems.append(_("This is not a valid CSV file."))
        return []
    sheet.read = len(lines)
    return lines


def _known(lines: list[dict[str, str]]) -> _Known:
    """Read at once what the lines name. Postgres refuses a NUL, and no address has one."""
    emails = {_cell(row, "customer").lower() for row in lines}
    asked = [email for email in emails if "\0" not in email]
    return _Known(
        dict(User.objects.filter(email__in=asked, is_staff=False).values_list("email", "pk")),
        dict(Service.objects.values_list("pk", "source__unit")),
        set(Category.objects.values_list("pk", flat=True)),
    )


def _terms_before(prices: Iterable[PromisedPrice], *, lock: bool) -> dict[tuple[int, int | None, int | None], Terms]:
    """What the customers of ``prices`` were promised so far, by what it is about."""
    rows = CustomerPrice.objects.filter(customer__in={price.customer_id for price in prices}).order_by("pk")
    if lock:
        rows = rows.select_for_update(no_key=True)
    found = rows.values_list("customer_id", "service_id", "category_id", "price", "percent", "ends_at")
    return {
        (customer, service, category): Terms(price, percent, ends_at)
        for customer, service, category, price, percent, ends_at in found
    }


def set_customer_prices(prices: list[PromisedPrice], *, actor: Actor) -> int:
    """Set these prices, all or nothing, each with a line in the staff's log; return how many.

    No two of them may be about the same thing of the same customer.
    """
    values = [{name: getattr(price, name) for name in (*_ABOUT, *_TERMS)} for price in prices]
    rows = [CustomerPrice(customer_id=price.customer_id, **its) for price, its in zip(prices, values, strict=True)]
    with transaction.atomic():
        for about in _ABOUT:
            CustomerPrice.objects.bulk_create(
                [row for row in rows if getattr(row, about) is not None],
                update_conflicts=True,
                unique_fields=["customer_id", about],
                update_fields=_TERMS,
                batch_size=1000,
            )
        # The log names customer, service and category, which are read at once.
        named = CustomerPrice.objects.select_related("customer", "service", "category").only(*_NAMES)
        known = named.in_bulk([row.pk for row in rows])
        before = [price.before._asdict() if price.before else {} for price in prices]
        changes = [Change(known[row.pk], old, its) for row, old, its in zip(rows, before, values, strict=True)]
        record_staff_changes(actor, "customer_price.import", changes)
    return len(prices)


def _promise(row: dict[str, str], point: str, known: _Known) -> PromisedPrice:
    """Raises BadLine, NotANumber."""
    refuse_more_cells(row)
    email = _cell(row, "customer").lower()
    if email not in known.customers:
        raise BadLine(_("There is no customer with this e-mail address."))
    service, category = _number(_cell(row, "service")), _number(_cell(row, "category"))
    price, percent = _cell(row, "price"), _cell(row, "percent")
    if (service is None) == (category is None) or bool(price) != (service is not None) or bool(price) == bool(percent):
        raise BadLine(_("Enter a service with its price, or a category with its percentage."))
    amount = read_decimal(price or percent, point=point, exponents=True)
    ends_at = _time(_cell(row, "until"))
    if service is not None:
        if service not in known.units:
            raise BadLine(_("There is no such service."))
        sold_in = known.units[service]
        if (unit := _cell(row, "unit")) and unit != sold_in:
            raise BadLine(_("The service is sold in another unit: %(unit)s.") % {"unit": sold_in})
        if not is_amount(amount):
            raise BadLine(_("A price is above zero and has at most five places."))
        return PromisedPrice(known.customers[email], email, service, None, amount, None, ends_at, sold_in)
    if category not in known.categories:
        raise BadLine(_("There is no such category."))
    if not 0 <= amount <= 100 or amount != round(amount, 2):
        raise BadLine(_("A percentage is from 0 to 100 and has at most two places."))
    return PromisedPrice(known.customers[email], email, None, category, None, amount, ends_at)


def _cell(row: dict[str, str], name: str) -> str:
    return (row.get(name) or "").strip()


def _number(text: str) -> int | None:
    """Raises BadLine for what is neither empty nor a number."""
    digits = ascii_digits(text)
    if digits and not (digits.isascii() and digits.isdigit() and len(digits) < 18):
        raise BadLine(_("This is not the number of a service or category: %(text)s") % {"text": text[:30]})
    return int(digits) if digits else None


def _until(ends_at: datetime) -> str:
    """The last day, or the time, as :func:`_time` reads it."""
    return str(last_day(ends_at) or timezone.localtime(ends_at).strftime("%Y-%m-%d %H:%M"))


def _time(text: str) -> datetime | None:
    """Return when a price ends; a day without a time is the last one on which it counts. Raises BadLine."""
    if not text:
        return None
    try:
        found = parse_datetime(text if ":" in text else f"{text} 00:00")
        if found is not None and ":" not in text:
            found += timedelta(days=1)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise BadLine(_("Write the last day as 2026-12-31, or the time as 2026-12-31 18:00."))
    return found if timezone.is_aware(found) else timezone.make_aware(found)
