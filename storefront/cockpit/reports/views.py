"""The pages of reports: one address for each, with the period, and the same as a file."""

from collections.abc import Callable, Mapping
from datetime import date
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
from core.staff_rights import SEES_MONEY
from core.templatetags.money import MINUS, money_text
from orders.facts.days import day_of
from orders.pages.mass_placed import csv_file
from orders.profit.reading import Books, Figures
from storefront.cockpit import charts
from storefront.cockpit.reports import money, profit, services
from storefront.cockpit.reports.period import CHOICES, Period, period_of
from storefront.cockpit.reports.table import MOST, Table
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
    "ends": _("Orders count on the day they were placed, refunds on the day of their transfer."),
    "times": _("Orders count on the day they were placed. A time needs at least 20 orders."),
    "topups": _("Money counts on the day of its transfer."),
    "owed": _("What stands in wallets and is reserved for open orders now."),
    "dead": _("Services on sale that nobody ordered in this period."),
}
_TABLES: dict[str, Callable[[Period, int | None], Table]] = {
    "ends": services.ends,
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
    about: dict[str, Any] = {}
    is_file = request.GET.get("file") == "csv"
    most = None if is_file else MOST
    if kind == "profit":
        by = request.GET.get("by", "day")
        by = by if by in profit.BY else "day"
        books = Books.at(now)
        table, days = profit.by_day(books, period)
        whole = sum(days.values(), Figures())
        about = {"by": by, "whole": whole, "plot": _plot(days), "is_behind": books.is_behind, "now": now}
        if by != "day":
            table = profit.by_group(by, books, period, whole, most=most)
    elif kind == "owed":
        about = {"owed": owed()}
        table = money.wallets(about["owed"])
    else:
        table = _TABLES[kind](period, most)
    if is_file:
        return csv_file(table.file_rows(), f"{kind}-{period.name}.csv")
    page = {
        **context, **about, "title": TABS[kind], "kind": kind, "tabs": TABS, "about": _ABOUT[kind],
        "table": table, "period": period, "choices": CHOICES, "groups": profit.BY,
        "zone": timezone.get_default_timezone_name(),
    }  # fmt: skip
    return TemplateResponse(request, "admin/cockpit/report.html", page)


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
