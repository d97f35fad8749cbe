"""The pages of reports: one address for each, with the period, and the same as a file."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.clock import database_now
from core.snapshot import one_moment
from core.staff_rights import SEES_MONEY, may_open
from core.templatetags.money import MINUS, money_text
from orders.facts.days import day_of
from orders.pages.mass_placed import csv_file
from orders.profit.reading import Books, Figures
from storefront.cockpit import charts
from storefront.cockpit.reports import money, profit, services
from storefront.cockpit.reports.period import CHOICES, Period, period_of
from storefront.cockpit.reports.table import MOST, Line, Table
from storefront.cockpit.today import owed

WIDTH, HEIGHT = 660, 240
#: The tabs: address, name, and what the days of the page are about.
TABS: dict[str, Promise] = {
    "profit": _("Profit"),
    "ends": _("Refunds and refills"),
    "times": _("Times"),
    "topups": _("Top-ups and fees"),
    "owed": _("What we owe"),
    "dead": _("Dead services"),
}
_ABOUT: dict[str, Promise] = {
    "profit": _("Money counts on the day of its transfer, an order’s cost on the day the order was settled."),
    "ends": _(
        "Orders count on the day they were placed, refunds on the day of their transfer. Late are orders that started"
        " after more than twice the usual time of the last days and an hour, of those that started."
    ),
    "times": _("Orders count on the day they were placed. A time needs at least 20 orders."),
    "topups": _("Money counts on the day of its transfer."),
    "owed": _("What stands in wallets and is reserved for open orders now."),
    "dead": _("Services on sale that nobody ordered in this period."),
}
#: What a report without rows says, where a longer period would not help.
_EMPTY: dict[str, tuple[Promise, Promise]] = {
    "owed": (_("No customer has money in a wallet"), _("Wallets are listed here from the first top-up on.")),
    "dead": (_("No dead services"), _("Each service on sale was ordered in this period.")),
}
_NOTHING = (_("Nothing in this period"), _("Choose a longer one."))
_TABLES: dict[str, Callable[[Period, int | None], Table]] = {
    "times": services.times,
    "topups": money.topups,
    "dead": services.dead,
}


def report(request: HttpRequest, context: dict[str, Any], kind: str = "profit") -> HttpResponseBase:
    """Show one report of a period, or send it as a file with ``file=csv``."""
    if not request.user.has_perm(SEES_MONEY):
        raise PermissionDenied
    if kind not in TABS:
        raise Http404
    now = database_now()
    period = period_of(request.GET, day_of(now))
    is_file = request.GET.get("file") == "csv"
    by = request.GET.get("by", "day")
    # Hours are being counted meanwhile: one read before and one after would count an hour twice, or not at all.
    with one_moment():
        table, about = _read(kind, by if by in profit.BY else "day", period, None if is_file else MOST, now)
    if is_file:
        return csv_file(table.file_rows(), f"{kind}-{period.name}.csv")
    table = replace(table, lines=[_as_linked(request, line) for line in table.lines])
    page = {
        **context, **about, "title": TABS[kind], "kind": kind, "tabs": TABS, "about": _ABOUT[kind],
        "table": table, "period": period, "choices": CHOICES, "groups": profit.BY, "empty": _EMPTY.get(kind, _NOTHING),
        "zone": timezone.get_default_timezone_name(),
    }  # fmt: skip
    return TemplateResponse(request, "admin/cockpit/report.html", page)


def _read(kind: str, by: str, period: Period, most: int | None, now: datetime) -> tuple[Table, dict[str, Any]]:
    """Return the table of a report and what else its page shows."""
    if kind == "profit":
        books = Books.at(now)
        table, days = profit.by_day(books, period)
        whole = sum(days.values(), Figures())
        if by != "day":
            table = profit.by_group(by, books, period, whole, most=most)
        plot = _plot(days)
        return table, {"by": by, "whole": whole, "plot": plot, "is_behind": books.is_behind, "now": now}
    if kind == "ends":
        books = Books.at(now)
        return services.ends(books, period, most), {"is_behind": books.is_behind}
    if kind == "owed":
        sums = owed()
        return money.wallets(sums), {"owed": sums}
    return _TABLES[kind](period, most), {}


def _as_linked(request: HttpRequest, line: Line) -> Line:
    """Return ``line`` without its link, if who asks may not open where that leads."""
    return line if not line.url or may_open(request, line.url) else replace(line, url="")


def _plot(days: Mapping[date, Figures]) -> dict[str, Any]:
    """Return the bars of each day, its cost below and its profit above, and the labels of the axes.

    ``days`` are the same for the script that draws them anew, with what it says about the day under the pointer.
    """
    pairs = [(figures.cost, max(figures.profit, profit.ZERO)) for figures in days.values()]
    top = charts.top_of(max((cost + more for cost, more in pairs), default=profit.ZERO))
    return {
        "bars": charts.stacked(pairs, width=WIDTH, height=HEIGHT, top=top),
        "top": top,
        "half": top / 2,
        "lines": [HEIGHT * n // 4 for n in range(4)],
        "script": {
            "days": [
                {"day": str(day), "label": date_format(day, "j M"), "cost": str(cost), "profit": str(more),
                 "said": _equation(day, days[day])}
                for day, (cost, more) in zip(days, pairs, strict=True)
            ],
            "top": str(top),
            "ticks": [money_text(top * n / 4).removesuffix(".00") for n in range(5)],
        },
    }  # fmt: skip


def _equation(day: date, figures: Figures) -> str:
    """``Thu 19 Nov: $71.64 − $46.02 = $25.62, 35.8%``, with all digits, or it would not add up."""
    parts = [figures.revenue, figures.cost, *([figures.apart] if figures.apart else [])]
    less = f" {MINUS} ".join(money_text(part) for part in parts)
    margin = "" if figures.margin is None else f", {charts.percent_text(figures.margin)}"
    return f"{date_format(day, 'D j M')}: {less} = {money_text(figures.profit)}{margin}"
