"""What a customer's group pays. The list's own prices are stored, a group's are made when somebody looks."""

from collections.abc import Iterable
from decimal import Decimal

from accounts.models import CustomerGroup
from catalog.models import Service
from catalog.rulebook import Facts, RuleBook
from catalog.selling import rate_of


def price_for(service: Service, group: CustomerGroup | None, book: RuleBook | None = None) -> Decimal | None:
    """The price of ``service`` for a customer of ``group``, in shop currency per 1,000 or per package.

    The service comes with its source and provider, so that cost and price are of one snapshot.
    """
    if group is None:
        return service.price
    book = book or RuleBook.now([service.source.provider])
    return book.price(_facts(service), group).price


def show_prices(services: Iterable[Service], group: CustomerGroup | None) -> None:
    """Set ``shown_price`` of each service to what a customer of ``group`` pays; one query for all of them."""
    if group is None:
        return
    shown = list(services)
    book = RuleBook.now({service.source.provider for service in shown})
    for service in shown:
        service.shown_price = price_for(service, group, book)


def _facts(service: Service) -> Facts:
    source = service.source
    return Facts(service.pk, service.category_id, source.type, source.provider_id, rate_of(source), service.own_price)
