"""The people and the goods of a run: providers, one service of each, wallets with money, keys to the API."""

from dataclasses import dataclass, field
from decimal import Decimal

from accounts.api_keys import create_key
from accounts.models import User
from billing import ledger
from catalog.models import Service
from core.clock import database_now
from tests.battery.chaos.world import World
from tests.orders.cast import provider_at, service_of

START = Decimal(20_000)


@dataclass
class Cast:
    """Providers, customers and API keys by the numbers that an order has; ``credits`` are what was paid in."""

    services: list[int] = field(default_factory=list)
    customers: list[User] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    credits: dict[str, Decimal] = field(default_factory=dict)


def gather(world: World, *, wallets: int) -> Cast:
    cast = Cast()
    for number, sim in enumerate(world.providers):
        provider = provider_at(sim, name=f"Provider {number}")
        world.shop_ids.append(provider.pk)
        cast.services.append(_service(provider_pk=provider.pk))
    for number in range(wallets):
        # Nobody signs in here: a password would only cost the time of hashing it.
        user = User.objects.create_user(f"buyer{number}@example.com")
        reference = f"start:{number}"
        ledger.credit(customer=user, amount=START, reason="battery", reference=reference, actor="battery")
        cast.credits[reference] = START
        cast.customers.append(user)
        cast.keys.append(create_key(customer=user, name="battery", now=database_now()).plain)
    return cast


def _service(*, provider_pk: int) -> int:
    from catalog.models import Provider

    service: Service = service_of(Provider.objects.get(pk=provider_pk), max=10_000_000)
    return service.pk
