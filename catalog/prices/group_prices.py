"""What customers pay. The list's own prices are stored; those of a group or a customer are computed when needed."""

from collections.abc import Iterable
from decimal import Decimal

from accounts.models import CustomerGroup, User
from catalog.models import Provider, Service
from catalog.prices.customer_prices import own_prices_of
from catalog.prices.reprice import stored_prices
from catalog.prices.rulebook import Facts, Priced, RuleBook
from catalog.pricing import cost_of_unit, rate_for_price
from core.money import divide, multiply

#: Rules by the fingerprint taken before they were read; only a few, since old ones are never used again.
_books: dict[str, RuleBook] = {}
_MOST_BOOKS = 4


def price_for(service: Service, group: CustomerGroup | None, book: RuleBook | None = None) -> Decimal | None:
    """Return the price of ``service`` for a customer of ``group``, in shop currency per 1,000 or per package.

    Source and provider are read with the service, so that cost and price come from one snapshot.
    """
    if group is None:
        return service.price
    book = book or RuleBook.now([service.source.provider])
    return book.price(_facts(service), group).price


def group_price(service: Service, group: CustomerGroup, rules: str) -> Decimal | None:
    """Return the price for a customer of ``group`` by the rules of fingerprint ``rules``, read once per change."""
    if (book := _books.get(rules)) is None:
        book = RuleBook.now([])
        while len(_books) >= _MOST_BOOKS:
            _books.pop(next(iter(_books)), None)
        _books[rules] = book
    return price_for(service, group, book.at([service.source.provider]))


def show_prices(services: Iterable[Service], customer: User | None) -> None:
    """Set ``shown_price`` of each service to what ``customer`` pays, with one query, or two for one of a group."""
    if customer is None:
        return
    shown, own, group = list(services), own_prices_of(customer), customer.group
    book = RuleBook.now({service.source.provider for service in shown}) if group else None
    for service in shown:
        price = own.of(service) if own else None
        service.shown_price = price_for(service, group, book) if price is None else price


def prices_of_groups(service: Service) -> list[tuple[CustomerGroup, Priced]]:
    """Return what each group pays for ``service``, and the rule that makes the price."""
    book = RuleBook.now([service.source.provider])
    return [(group, book.price(_facts(service), group)) for group in CustomerGroup.objects.all()]


def lowest_group_margins(service_ids: Iterable[int]) -> list[tuple[CustomerGroup, Decimal]]:
    """Return each group with the lowest margin, in percent of the price, that it leaves among these services."""
    groups = list(CustomerGroup.objects.all())
    if not groups:
        return []
    providers = list(Provider.objects.all())
    book, exchange = RuleBook.now(providers), {provider.pk: provider.exchange_rate for provider in providers}
    lowest: dict[int, Decimal] = {}
    for facts, _price, _rule in stored_prices(pk__in=list(service_ids)):
        for group in groups:
            price = book.price(facts, group).price
            if price:
                cost = cost_of_unit(facts.rate or Decimal(0), exchange[facts.provider_id])
                margin = divide(multiply(price - cost, 100), price)
                lowest[group.pk] = min(margin, lowest.get(group.pk, margin))
    return [(group, lowest[group.pk]) for group in groups if group.pk in lowest]


def _facts(service: Service) -> Facts:
    source = service.source
    return Facts(
        service.pk,
        service.category_id,
        source.type,
        source.provider_id,
        rate_for_price(source.rate, source.held_rate),
        service.own_price,
        service.price_factor,
    )
