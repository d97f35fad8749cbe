"""What the page of one service shows, on sale or not at the moment, and what instead of one that has gone."""

from dataclasses import dataclass
from decimal import Decimal

from accounts.models import User
from catalog.facts.reading import read_figures
from catalog.facts.service_facts import ServiceFacts, facts_of
from catalog.links.examples import example_link
from catalog.models import ChangeKind, Service, ServiceChange, Unit
from catalog.models.service import ServiceQuerySet
from catalog.prices.group_prices import show_prices
from catalog.pricing import charge_for
from catalog.shop.bars import Bar, day_bars, share_bars
from catalog.shop.example_receipt import ORDERED, ExampleReceipt, example_receipt
from catalog.shop.platforms import BY_SLUG, OTHER
from catalog.shop.search_text import fold
from core.owner_texts import attach
from upstream.service_types import PricedBy, QuantitySource, service_type

#: How many others of its category stand on the page of a service, and how many near ones in place of one that is gone.
OTHERS = 3
NEAR = 6


@dataclass(frozen=True)
class Charge:
    quantity: int
    amount: Decimal


@dataclass(frozen=True)
class ServicePage:
    """``service`` and ``others`` have the prices of who looks.

    ``others`` are the first of its category, or of a service that is not sold at the moment those like it.
    ``charges`` are those of the smallest and the largest quantity, and of 1,000 between them; none for subscriptions,
    whose posts are charged one by one. ``stopped`` is what is paid if an order stops early, None for packages.
    ``changed`` is the last change of the list price. ``example`` is a link; empty where an order has none.
    """

    service: Service
    is_sold: bool
    facts: ServiceFacts
    others: list[Service]
    in_category: int
    charges: list[Charge]
    stopped: ExampleReceipt | None
    changed: ServiceChange | None
    example: str

    @property
    def platform(self) -> str:
        """The name of the platform; empty if it is none that we know."""
        return BY_SLUG[self.service.platform].name if self.service.platform in BY_SLUG else ""

    @property
    def has_quantity(self) -> bool:
        """True if an order says how many."""
        kind = service_type(self.service.type)
        return kind is not None and kind.quantity_from is QuantitySource.FIELD

    @property
    def usual_quantity(self) -> int | None:
        """The quantity to begin with: 1,000, or the least."""
        quantities = [charge.quantity for charge in self.charges]
        return 1000 if 1000 in quantities else min(quantities, default=None)  # noqa: PLR2004

    @property
    def prices(self) -> list[Decimal | None]:
        return [row.shown_price for row in self.others]

    @property
    def periods(self) -> list[tuple[str, object, list[Bar]]]:
        """Both periods with the word that the switch between them knows, and the bar of how their orders ended."""
        week, month = self.facts.week, self.facts.month
        return [("week", week, share_bars(week)), ("month", month, share_bars(month))]

    @property
    def day_bars(self) -> list[Bar]:
        return day_bars(self.facts.days)


def read_on_sale(number: int) -> Service | None:
    """Return the service if it is on sale, with its category, source and provider."""
    return Service.objects.on_sale().select_related("source__provider", "category").filter(pk=number).first()


def read_once_sold(number: int) -> Service | None:
    """Return the service if it is or was on sale; None for one that the owner hides, or that never was.

    Only rows fit to be sold become services, so one with a price that nobody hides was on sale.
    """
    return Service.objects.once_sold().select_related("source__provider", "category").filter(pk=number).first()


def service_page(service: Service, customer: User | None, *, is_sold: bool) -> ServicePage:
    """Return the page of a service, on sale or not at the moment, with the prices that ``customer`` pays.

    Five queries, and one more for one that is not on sale.
    """
    category = Service.objects.on_sale().filter(category=service.category_id)
    others = _first(category.exclude(pk=service.pk), OTHERS) if is_sold else _like(service)
    attach(service, service.category, *others)
    show_prices([service, *others], customer)
    read_figures([service, *others])
    price = service.shown_price or Decimal(0)
    return ServicePage(
        service=service,
        is_sold=is_sold,
        facts=facts_of(service),
        others=others,
        in_category=category.count(),
        charges=_charges(service, price) if price else [],
        stopped=example_receipt(price) if price and service.unit == Unit.PER_1000 and service.max >= ORDERED else None,
        changed=_last_change(service) if price == service.price else None,
        example=_example(service),
    )


def near(gone: Service, customer: User | None) -> list[Service]:
    """Return services on sale like one that is gone: of its category first, then of its platform."""
    found = _like(gone)
    attach(gone, *found)
    show_prices(found, customer)
    read_figures(found)
    return found


def _like(service: Service) -> list[Service]:
    selling = Service.objects.on_sale()
    found = _first(selling.filter(category=service.category_id), NEAR)
    if len(found) < NEAR and service.platform and service.platform != OTHER:
        others = selling.filter(platform=service.platform).exclude(category=service.category_id)
        found += _first(others, NEAR - len(found))
    return found


def _first(services: ServiceQuerySet, n: int) -> list[Service]:
    return list(services.select_related("source__provider").order_by("category__position", "position", "id")[:n])


def _charges(service: Service, price: Decimal) -> list[Charge]:
    kind = service_type(service.type)
    if kind is None or kind.priced_by is PricedBy.PACKAGE or kind.quantity_from is QuantitySource.NONE:
        return []
    quantities = sorted({service.min, service.max} | ({1000} if service.min < 1000 < service.max else set()))
    return [Charge(n, charge_for(price, n, service.unit)) for n in quantities]


def _last_change(service: Service) -> ServiceChange | None:
    moves = ServiceChange.objects.filter(service=service, kind__in=[ChangeKind.DEARER, ChangeKind.CHEAPER])
    last = moves.order_by("-id").first()
    # Prices may also have changed together with many others, which is one entry about all of them.
    return last if last is not None and last.new_price == service.price and last.unit == service.unit else None


def _example(service: Service) -> str:
    kind = service_type(service.type)
    if kind is not None and "link" not in kind.fields:
        return ""
    return example_link(service.platform, fold(f"{service.name} {service.category.name}"))
