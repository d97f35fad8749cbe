"""The period of a report, as its address names it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.facts.days import bounds_of

#: The longest period, in days.
LONGEST = 366
CHOICES: tuple[tuple[str, Promise], ...] = (
    ("month", gettext_lazy("This month")),
    ("last", gettext_lazy("Last month")),
    ("7", gettext_lazy("Last 7 days")),
    ("30", gettext_lazy("Last 30 days")),
    ("own", gettext_lazy("From … to …")),
)


@dataclass(frozen=True)
class Period:
    """``first`` and ``last`` are days of the shop. ``typed`` is what stands in the two fields of days.

    ``error`` says what is wrong with those; the period is then this month.
    """

    choice: str
    first: date
    last: date
    typed: tuple[str, str]
    error: str = ""

    @property
    def begins(self) -> datetime:
        return bounds_of(self.first)[0]

    @property
    def ends(self) -> datetime:
        return bounds_of(self.last)[1]

    @property
    def words(self) -> str:
        """``1 November 2026 to 22 November 2026``."""
        days = (date_format(day, "j F Y") for day in (self.first, self.last))
        return _("%(first)s to %(last)s") % dict(zip(("first", "last"), days, strict=True))

    @property
    def name(self) -> str:
        """How a file of it is called."""
        return f"{self.first}-to-{self.last}"

    @property
    def query(self) -> str:
        """The period in an address."""
        return f"period=own&from={self.first}&to={self.last}" if self.choice == "own" else f"period={self.choice}"


def period_of(asked: QueryDict, today: date) -> Period:
    """Return the period that an address asks for: 30 days where it names none, this month where there is no such."""
    choice = asked.get("period", "30")
    typed = (asked.get("from", "")[:10], asked.get("to", "")[:10])
    month = today.replace(day=1)
    if choice == "last":
        before = month - timedelta(days=1)
        return Period(choice, before.replace(day=1), before, typed)
    if choice in ("7", "30"):
        return Period(choice, today - timedelta(days=int(choice) - 1), today, typed)
    if choice != "own":
        return Period("month", month, today, typed)
    first, last = (_day(text) for text in typed)
    error = ""
    if first is None or last is None:
        error = _("Please enter two days, such as 2026-11-01 and 2026-11-30.")
    elif last < first:
        error = _("The last day is before the first one.")
    elif (last - first).days >= LONGEST:
        error = _("A period has at most %(days)d days.") % {"days": LONGEST}
    if error or first is None or last is None:
        return Period("own", month, today, typed, error)
    return Period("own", first, last, typed)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 9000 else None
