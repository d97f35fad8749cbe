"""The figures of the first page: today, 7 and 30 days, against the same hours and days before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Count, F, Sum
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.models import Account, AccountKind, Hold
from core.money import divide, nearest_cent
from core.snapshot import one_moment
from core.templatetags.money import money_html, money_text
from core.templatetags.shop import num
from orders.facts.days import bounds_of, day_of
from orders.profit.reading import NOTHING, Books, Figures
from storefront.cockpit import charts
from storefront.cockpit.charts import Change, Spark

#: Days of the three columns.
PERIODS = (1, 7, 30)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Cell:
    """One figure and how it changed; ``css`` names the column, which a phone shows one at a time."""

    css: str
    text: SafeString | str
    change: Change | None


@dataclass(frozen=True)
class Row:
    name: Promise
    cells: list[Cell]
    spark: Spark
    label: str
    is_sum: bool = False


@dataclass(frozen=True)
class Race:
    """The profit of today hour by hour, and of yesterday: points of two lines, and the words at the axis."""

    now: str
    before: str
    label: str
    base: str
    top: str
    bottom: str


@dataclass(frozen=True)
class Owed:
    """What the shop owes its customers: what stands in wallets, and what is held for ``orders`` open orders."""

    wallets: Decimal
    held: Decimal
    orders: int

    @property
    def total(self) -> Decimal:
        return self.wallets + self.held


@dataclass(frozen=True)
class Today:
    """``figures`` and ``yesterday`` are in whole cents, as they are shown."""

    now: datetime
    figures: Figures
    yesterday: Figures
    change: Change | None
    margin: str
    rows: list[Row]
    race: Race
    owed: Owed
    is_behind: bool


@dataclass(frozen=True)
class _Kind:
    """How one line of the table reads a figure and shows it."""

    name: Promise
    value: Callable[[Figures], Decimal | int]
    show: Callable[[Decimal | int], SafeString | str]
    said: Callable[[Decimal | int], str]
    change: Callable[[Figures, Figures], Change | None]
    is_sum: bool = False


def _amount(name: Promise, attribute: str, *, is_good: bool | None = True, is_sum: bool = False) -> _Kind:
    def value(figures: Figures) -> Decimal:
        return Decimal(getattr(figures, attribute))

    def change(now: Figures, before: Figures) -> Change | None:
        return charts.change_in_percent(value(now), value(before), is_good=is_good)

    def show(v: Decimal | int) -> SafeString:
        return money_html(nearest_cent(Decimal(v)))

    def said(v: Decimal | int) -> str:
        return money_text(nearest_cent(Decimal(v)))

    return _Kind(name, value, show, said, change, is_sum)


def _count(name: Promise, attribute: str) -> _Kind:
    def value(figures: Figures) -> int:
        return int(getattr(figures, attribute))

    def change(now: Figures, before: Figures) -> Change | None:
        return charts.change_of_count(value(now), value(before))

    return _Kind(name, value, lambda v: num(int(v)), lambda v: num(int(v)), change)


def _margin_text(value: Decimal | int | None) -> str:
    return "–" if value is None else charts.percent_text(Decimal(value))


_KINDS = (
    _amount(_("Revenue"), "revenue"),
    _amount(_("Cost"), "cost", is_good=None),
    _amount(_("Profit"), "profit", is_sum=True),
    _Kind(
        _("Margin"), lambda f: f.margin or ZERO, _margin_text, _margin_text,
        lambda now, before: charts.change_in_points(now.margin, before.margin),
    ),
    _count(_("Orders"), "orders"),
    _count(_("New customers"), "customers"),
    _amount(_("Top-ups"), "topups"),
)  # fmt: skip


def figures_of(*, now: datetime) -> Today:
    """Return the figures of now; about a dozen small queries, whatever the shop has sold.

    They are read at one moment: hours are being counted meanwhile, and one would be there twice or not at all.
    """
    with one_moment():
        return _figures_of(now)


def _figures_of(now: datetime) -> Today:
    books, day = Books.at(now), day_of(now)
    days = books.by_day(day - timedelta(days=2 * max(PERIODS) - 1), day)
    columns: list[tuple[Figures, Figures]] = []
    for n in PERIODS:
        since = day - timedelta(days=n)
        before = books.between(bounds_of(since)[0], bounds_of(since)[0] + (now - bounds_of(day)[0]))
        whole = (days[since - timedelta(days=ago)] for ago in range(1, n))
        columns.append(
            (sum((days[day - timedelta(days=ago)] for ago in range(n)), NOTHING), sum(whole, before)),
        )
    month = [days[day - timedelta(days=ago)] for ago in reversed(range(max(PERIODS)))]
    today, yesterday = columns[0]
    return Today(
        now=now,
        figures=today.in_cents(),
        yesterday=yesterday.in_cents(),
        change=charts.change_in_percent(today.profit, yesterday.profit),
        margin=_margin_text(today.in_cents().margin),
        rows=[_row(kind, columns, month) for kind in _KINDS],
        race=_race(books.by_hour(day), books.by_hour(day - timedelta(days=1)), today.in_cents(), yesterday.in_cents()),
        owed=owed(),
        is_behind=books.is_behind,
    )


def _row(kind: _Kind, columns: Sequence[tuple[Figures, Figures]], month: Sequence[Figures]) -> Row:
    cells = [
        Cell(f"p{n}", kind.show(kind.value(now.in_cents())), kind.change(now, before))
        for n, (now, before) in zip(PERIODS, columns, strict=True)
    ]
    values = [kind.value(figures) for figures in month]
    label = _t("%(name)s by day, last 30 days: lowest %(low)s, highest %(high)s") % {
        "name": kind.name, "low": kind.said(min(values)), "high": kind.said(max(values)),
    }  # fmt: skip
    return Row(kind.name, cells, charts.spark(values), label, kind.is_sum)


def _race(today: Sequence[Figures], yesterday: Sequence[Figures], so_far: Figures, by_now: Figures) -> Race:
    lines = [[figures.profit for figures in hours] for hours in (today, yesterday)]
    sums = [sum(line[:n], ZERO) for line in lines for n in range(len(line) + 1)]
    top = charts.top_of(max(max(sums), Decimal(1)))
    low = -charts.top_of(-min(sums)) if min(sums) < 0 else ZERO
    now, before = (charts.running(line, low, top, step=20, height=96) for line in lines)
    said = {"now": money_text(so_far.profit), "before": money_text(by_now.profit)}
    label = _t("Profit by the hour: %(now)s today so far, %(before)s yesterday by now") % said
    base = f"{divide(top * 96, top - low).quantize(Decimal('0.1')):f}"
    return Race(now, before, label, base, money_text(top).removesuffix(".00"), money_text(low).removesuffix(".00"))


def owed() -> Owed:
    """Sum up what customers have in their wallets and what is held for their open orders."""
    wallets = Account.objects.filter(kind=AccountKind.WALLET).aggregate(sum=Sum("balance"))["sum"]
    with transaction.atomic(), connection.cursor() as cursor:
        # Postgres takes a third of all holds for open: it would read every one rather than the index of open ones, or
        # start processes to help, which takes longer than the whole question.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0")
        held = Hold.objects.filter(charged__gt=F("earned") + F("refunded")).aggregate(
            sum=Sum(F("charged") - F("earned") - F("refunded")), n=Count("reference")
        )
        # A transaction around this one goes on without it.
        cursor.execute("SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL max_parallel_workers_per_gather TO DEFAULT")
    return Owed(wallets or ZERO, held["sum"] or ZERO, held["n"])
