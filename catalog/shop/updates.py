"""The public list of service updates: services that are new, back or gone, and prices that rose or fell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.core.cache import cache
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Category, ChangeKind, ServiceChange
from catalog.shop.platforms import BY_SLUG
from core.clock import database_now
from core.money import divide
from core.numbers import plain_number
from core.owner_texts import attach, shown

PER_PAGE = 100
NEWEST = 100
#: Services of an entry that are shown before it is opened.
SHOWN = 3
_WEEK = timedelta(days=7)
_CACHE_SECONDS = 300


@dataclass(frozen=True)
class UpdateGroup:
    """What happened to some services at one moment, such as a sync; ``is_cut`` if earlier pages hold more of it."""

    kind: str
    at: datetime
    rows: Sequence[ServiceChange]
    is_cut: bool

    @property
    def day(self) -> date:
        return timezone.localdate(self.at)

    @property
    def total(self) -> int:
        return sum(row.count or 1 for row in self.rows)

    @property
    def shown(self) -> str:
        """How many services it is about, as text."""
        return f"{self.total:,}+" if self.is_cut else f"{self.total:,}"

    @property
    def services(self) -> list[ServiceChange]:
        """The updates that name a service."""
        return [row for row in self.rows if row.service is not None]

    @property
    def first(self) -> list[ServiceChange]:
        return self.services[:SHOWN]

    @property
    def others(self) -> list[ServiceChange]:
        return self.services[SHOWN:]

    @property
    def category(self) -> Category | None:
        """The category of all of the services, None if they are of several."""
        found = {row.service.category if row.service else row.category for row in self.rows}
        return found.pop() if len(found) == 1 else None

    @property
    def platforms(self) -> str:
        """The names of the platforms of the services, at most three."""
        slugs = dict.fromkeys(row.service.platform for row in self.rows if row.service)
        return ", ".join([BY_SLUG[slug].name for slug in slugs if slug in BY_SLUG][:3])

    @property
    def percent(self) -> str:
        """By how many percent all prices changed, rounded; empty if they did not change alike."""
        found = {_percent(row) for row in self.rows}
        one = found.pop() if len(found) == 1 else None
        return "" if one is None else plain_number(one)

    @property
    def prices(self) -> list[Decimal | None]:
        return [price for row in self.rows for price in (row.old_price, row.new_price)]


@dataclass(frozen=True)
class UpdatePage:
    """One page of updates, newest first; ``kind`` and ``platform`` are empty for all of them."""

    kind: str
    platform: str
    page: int
    groups: Sequence[UpdateGroup]
    has_older: bool

    def address(self, page: int) -> str:
        """Return the query string of another page of the same updates."""
        facts = {"kind": self.kind, "platform": self.platform, "page": str(page) if page > 1 else ""}
        found = QueryDict(mutable=True)
        found.update({name: value for name, value in facts.items() if value})
        return f"?{found.urlencode()}"

    @property
    def newer(self) -> str:
        return self.address(self.page - 1)

    @property
    def older(self) -> str:
        return self.address(self.page + 1)


def public_updates(kind: str = "", platform: str = "") -> QuerySet[ServiceChange]:
    """Return updates of services and categories the owner does not hide, newest first, with service and category."""
    one = Q(service__is_visible=True, service__category__is_visible=True)
    many = Q(service=None) & (Q(category=None) | Q(category__is_visible=True))
    found = ServiceChange.objects.filter(one | many)
    found = found.filter(kind=kind) if kind else found
    found = found.filter(service__platform=platform) if platform else found
    return found.select_related("service__category", "category")


def about_many(update: ServiceChange) -> str:
    """Return which services an update without a service is about, and what became of them."""
    count = update.count or 0
    words = {"n": f"{count:,}", "category": shown(update.category, "name") if update.category else ""}
    if update.category is None:
        services = ngettext("%(n)s service", "%(n)s services", count) % words
    else:
        services = ngettext("%(n)s service of %(category)s", "%(n)s services of %(category)s", count) % words
    if update.percent is None:
        return services
    facts = {"services": services, "percent": plain_number(abs(update.percent))}
    if update.kind == ChangeKind.DEARER:
        return _("%(services)s: prices up %(percent)s %%") % facts
    return _("%(services)s: prices down %(percent)s %%") % facts


def title_of(group: UpdateGroup) -> str:
    """Return what happened to how many services, as a title."""
    n, facts = group.total, {"n": group.shown, "percent": group.percent}
    match group.kind, bool(group.percent):
        case ChangeKind.NEW, _any:
            title = ngettext("%(n)s new service", "%(n)s new services", n)
        case ChangeKind.DEARER, True:
            title = ngettext("%(n)s service dearer by %(percent)s%%", "%(n)s services dearer by %(percent)s%%", n)
        case ChangeKind.DEARER, _any:
            title = ngettext("%(n)s service dearer", "%(n)s services dearer", n)
        case ChangeKind.CHEAPER, True:
            title = ngettext("%(n)s service cheaper by %(percent)s%%", "%(n)s services cheaper by %(percent)s%%", n)
        case ChangeKind.CHEAPER, _any:
            title = ngettext("%(n)s service cheaper", "%(n)s services cheaper", n)
        case ChangeKind.GONE, _any:
            title = ngettext("%(n)s service gone", "%(n)s services gone", n)
        case _:
            title = ngettext("%(n)s service back", "%(n)s services back", n)
    return title % facts


def attach_names(rows: Iterable[ServiceChange]) -> None:
    """Give services and categories of updates their names in the language of the page; one query at most."""
    services = [row.service for row in rows if row.service is not None]
    attach(*services, *(service.category for service in services), *(row.category for row in rows))


def read_updates(get: QueryDict) -> UpdatePage:
    """Return the page that an address asks for; values in it that make no sense are left out."""
    kind, platform, number = get.get("kind", ""), get.get("platform", ""), get.get("page", "")
    kind = kind if kind in ChangeKind.values else ""
    platform = platform if platform in BY_SLUG else ""
    page = int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 5 else 1
    page = max(page, 1)
    start = (page - 1) * PER_PAGE
    rows = list(public_updates(kind, platform)[start : start + PER_PAGE + 1])
    attach_names(rows)
    # What one sync changed has one time, and stands in the order of the services.
    groups: dict[tuple[datetime, str, int | None], list[ServiceChange]] = {}
    for row in rows[:PER_PAGE]:
        groups.setdefault(_group_of(row), []).append(row)
    cut = _group_of(rows[PER_PAGE])[0] if len(rows) > PER_PAGE else None
    ordered = [UpdateGroup(key[1], key[0], found, key[0] == cut) for key, found in groups.items()]
    return UpdatePage(kind, platform, page, ordered, len(rows) > PER_PAGE)


def week_in_updates() -> dict[str, int]:
    """Return how many services had each kind of update in the last seven days, measured anew now and then."""
    kept: dict[str, int] | None = cache.get("week-in-updates")
    if kept is None:
        week = public_updates().filter(at__gt=database_now() - _WEEK).order_by().values_list("kind")
        kept = dict(week.annotate(n=Sum(Coalesce("count", 1))))
        cache.set("week-in-updates", kept, _CACHE_SECONDS)
    return {kind: kept.get(kind, 0) for kind in ChangeKind.values}


def _group_of(row: ServiceChange) -> tuple[datetime, str, int | None]:
    """Updates with the same key are shown as one; one that counts many services stands for itself."""
    return row.at, row.kind, None if row.service_id else row.pk


def _percent(row: ServiceChange) -> Decimal | None:
    if row.percent is not None:
        return abs(row.percent)
    if not row.old_price or row.new_price is None or row.kind not in (ChangeKind.DEARER, ChangeKind.CHEAPER):
        return None
    change = divide((row.new_price - row.old_price) * 100, row.old_price)
    return abs(change).quantize(Decimal(1), rounding=ROUND_HALF_UP)
