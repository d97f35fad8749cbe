"""Services of a provider that are still hidden, as the owner sees them before they are opened: cost, price, doubles."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from catalog.models import Provider, Service
from catalog.prices.comparison import digest_of_lines, margin_of
from catalog.pricing import cost_of_unit, rate_for_price
from catalog.shop.bulk_edit import open_services
from catalog.shop.search_text import fold

_LONG = ("description", "source__raw", "source__description", "search_text")


@dataclass(frozen=True)
class HiddenService:
    """A hidden service with its cost and price in the shop's currency, and the one like it that is on sale."""

    service: Service
    cost: Decimal
    margin: Decimal | None
    double: Service | None

    @property
    def seller(self) -> str:
        """The name of the provider that the double comes from, empty without one."""
        return self.double.source.provider.name if self.double else ""

    @property
    def price(self) -> Decimal:
        return self.service.price or Decimal(0)


@dataclass
class HiddenCategory:
    """A category's hidden services. Prices per package are listed apart: they cannot be compared."""

    id: int
    name: str
    rows: list[HiddenService] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def packages(self) -> int:
        return len(self.rows) - len(self._by_thousand)

    @property
    def doubles(self) -> int:
        return sum(row.double is not None for row in self.rows)

    @property
    def lowest_margin(self) -> Decimal | None:
        return min((row.margin for row in self.rows if row.margin is not None), default=None)

    @property
    def costs(self) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest cost of 1,000; None if all are packages."""
        found = [row.cost for row in self._by_thousand]
        return (min(found), max(found)) if found else None

    @property
    def prices(self) -> tuple[Decimal, Decimal] | None:
        """The lowest and the highest price of 1,000; None if all are packages."""
        found = [row.price for row in self._by_thousand]
        return (min(found), max(found)) if found else None

    @property
    def digest(self) -> str:
        """A digest of which services are here, at which prices, and of which of them are doubles."""
        rows = sorted(self.rows, key=lambda row: row.service.pk)
        return digest_of_lines(
            f"{row.service.pk} {row.service.unit} {row.price} {row.double is not None}" for row in rows
        )

    @property
    def _by_thousand(self) -> list[HiddenService]:
        return [row for row in self.rows if row.service.unit == "per_1000"]


def hidden_services(provider: Provider) -> QuerySet[Service]:
    """Return the provider's services that are hidden and could be sold now."""
    listed = Service.objects.filter(source__provider=provider, source__vanished_at=None, source__quarantine=[])
    return listed.filter(is_visible=False, price__gt=0)


def hidden_categories(provider: Provider) -> list[HiddenCategory]:
    """Return the provider's hidden services by category, in the shop's order, the lowest margin first in each."""
    shown_in = ("category__position", "position", "id")
    hidden = list(
        hidden_services(provider).select_related("source__provider", "category").defer(*_LONG).order_by(*shown_in)
    )
    others = (
        Service.objects.on_sale().exclude(source__provider=provider).select_related("source__provider").defer(*_LONG)
    )
    on_sale = {(_as_one(service.name), service.unit): service for service in others} if hidden else {}
    found: dict[int, HiddenCategory] = {}
    by_category: dict[int, list[HiddenService]] = defaultdict(list)
    for service in hidden:
        found.setdefault(service.category_id, HiddenCategory(service.category_id, service.category.name))
        rate = rate_for_price(service.source.rate, service.source.held_rate) or Decimal(0)
        cost = cost_of_unit(rate, provider.exchange_rate)
        double = on_sale.get((_as_one(service.name), service.unit))
        by_category[service.category_id].append(HiddenService(service, cost, margin_of(service.price, cost), double))
    for pk, category in found.items():
        category.rows = sorted(by_category[pk], key=lambda row: row.margin if row.margin is not None else Decimal(0))
    return list(found.values())


def listing_of(categories: Iterable[HiddenCategory]) -> str:
    """Return what a page with these categories lists: the id of each with its digest, as ``id:digest`` and blanks.

    Two pages with the same listing would open the same services at the same prices.
    """
    return " ".join(sorted(f"{category.id}:{category.digest}" for category in categories))


def changed_since(listing: str, categories: Iterable[HiddenCategory]) -> list[HiddenCategory]:
    """Return those of the categories that are new or differ from ``listing``, which :func:`listing_of` made before."""
    before = set(listing.split())
    return [category for category in categories if f"{category.id}:{category.digest}" not in before]


def shows_anything(provider: Provider) -> bool:
    """Whether a service of the provider is shown in the shop."""
    return Service.objects.filter(source__provider=provider, is_visible=True).exists()


def open_all(provider: Provider, *, now: datetime) -> int:
    """Open all services of a provider none of whose services was ever shown; return how many were opened."""
    if shows_anything(provider):
        return 0
    return len(open_services(hidden_services(provider).values_list("pk", flat=True), now=now))


def _as_one(name: str) -> str:
    """The name without case, signs and the order of blanks, so that two spellings of one service are equal."""
    return " ".join("".join(c if c.isalnum() else " " for c in fold(name)).split())
