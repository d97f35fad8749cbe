"""A shop with a simulated provider, and bulk orders with their money on hold, as placing them would leave them."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bench.placing import shop

if TYPE_CHECKING:
    from accounts.models import User
    from catalog.models import Provider, Service
    from orders.models import Order

QUANTITY = 1000
CHARGE, COST = Decimal("1.17"), Decimal("0.90")


class Stocked:
    """One provider with one service, a dozen customers with money, and any number of orders."""

    def __init__(self, name: str, url: str, key: str) -> None:
        self.service: Service
        self.customers: list[User]
        self.service, self.customers = shop(name)
        self.provider: Provider = self.service.source.provider
        self.provider.url = url
        self.provider.set_key(key)
        self.provider.save()

    def orders(self, count: int, **columns: list[Any]) -> "list[Order]":
        """Add ``count`` queued and due orders. ``columns`` overrides a column with a list of one value per order."""
        from billing import ledger
        from billing.models import Account, AccountKind, Code
        from core.clock import database_now
        from orders.models import Order

        # 1. The orders.
        now = database_now()
        unsaved = []
        for n in range(count):
            link = f"https://example.com/p/{n}"
            values: dict[str, Any] = {
                "customer": self.customers[n % len(self.customers)],
                "service": self.service,
                "provider": self.provider,
                "external_service_id": "1",
                "service_name": "Followers",
                "service_type": "default",
                "unit": "per_1000",
                "link": link,
                "link_key": f"example.com/p/{n}",
                "quantity": QUANTITY,
                "total": QUANTITY,
                "fields": {"link": link, "quantity": str(QUANTITY)},
                "price": CHARGE,
                "charge": CHARGE,
                "expected_cost": COST,
                "expected_charge": COST,
                "provider_currency": "USD",
                "created_at": now,
                "next_at": now,
            }
            unsaved.append(Order(**values | {column: given[n] for column, given in columns.items()}))
        orders = Order.objects.bulk_create(unsaved, batch_size=1000)

        # 2. Their holds.
        wallets = dict(Account.objects.filter(customer__in=self.customers).values_list("customer_id", "pk"))
        held = ledger.own_account_id(AccountKind.HELD)
        ledger.post(
            [
                ledger.Posting(f"{o.reference}:hold", Code.HOLD, wallets[o.customer_id], held, o.charge, o.reference)
                for o in orders
            ]
        )
        return orders


@contextmanager
def set_to(**wanted: Any) -> Iterator[None]:
    """Change settings of the shop for the duration of the block."""
    from django.conf import settings

    before = {name: getattr(settings, name) for name in wanted}
    for name, value in wanted.items():
        setattr(settings, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
