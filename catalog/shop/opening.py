"""Services of a provider that are still hidden, as the owner sees them before they are opened: cost, price, doubles."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from catalog.models import Provider, Service
from catalog.prices.comparison import margin_of
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
    def _by_thousand(self) -> list[HiddenService]:
        return [row for row in self.rows if row.service.unit == "per_1000"]


def hidden_services(provider: Provider) -> QuerySet[Service]:
    """Return the provider's services that are hidden and could be sold now."""
    listed = Service.objects.filter(source__provider=provider, source__vanished_at=None, source__quarantine=[])
    return listed.filter(is_visible=False, price__gt=0)


def hidden_categories(provider: Provider) -> list[HiddenCategory]:
    """Return the provider's hidden services by category, in the shop's order, the lowest margin first in each."""
    hidden = hidden_services(provider).select_related("source__provider", "category").defer(*_LONG)
    others = Service.objects.on_sale().exclude(source__provider=provider).select_related("source").defer(*_LONG)
    on_sale = {(_as_one(service.name), service.unit): service for service in others} if hidden else {}
    found: dict[int, HiddenCategory] = {}
    by_category: dict[int, list[HiddenService]] = defaultdict(list)
    for service in hidden.order_by("category__position", "position", "id"):
        found.setdefault(service.category_id, HiddenCategory(service.category_id, service.category.name))
        rate = rate_for_price(service.source.rate, service.source.held_rate) or Decimal(0)
        cost = cost_of_unit(rate, provider.exchange_rate)
        double = on_sale.get((_as_one(service.name), service.unit))
        by_category[service.category_id].append(HiddenService(service, cost, margin_of(service.price, cost), double))
    for pk, category in found.items():
        category.rows = sorted(by_category[pk], key=lambda row: row.margin if row.margin is not None else Decimal(0))
    return list(found.values())


def open_all(provider: Provider, *, now: datetime) -> int:
    """Open all services of a provider none of whose services was ever shown; return how many were opened."""
    if Service.objects.filter(source__provider=provider, is_visible=True).exists():
        return 0
    return len(open_services(hidden_services(provider).values_list("pk", flat=True), now=now))


def _as_one(name: str) -> str:
    """The name without case, signs and the order of blanks, so that two spellings of one service are equal."""
    return " ".join("".join(c if c.isalnum() else " " for c in fold(name)).split())
