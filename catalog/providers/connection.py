"""Makes clients for providers: the only place where a provider's key is unsealed."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from django.conf import settings

from catalog.models import Provider
from catalog.providers.answer_counts import count
from core.secrets import unseal
from upstream.client import Dialect, ProviderClient
from upstream.wire import Exchange


def dialect_of(provider: Provider) -> Dialect:
    """The provider's settings as its client needs them; unknown ones are left out."""
    known = {f.name for f in fields(Dialect)}
    chosen: dict[str, Any] = {k: v for k, v in provider.dialect.items() if k in known}
    return Dialect(**{**chosen, "body_encoding": provider.body_encoding, "batch_size": provider.batch_size})


def client_for(
    provider: Provider, *, deadline: float, on_exchange: Callable[[Exchange], object] | None = None
) -> ProviderClient:
    """Return a client for ``provider`` with a wall-clock ``deadline`` in seconds. Raises core.secrets.SecretUnreadable.

    Each exchange is passed to ``on_exchange``, then counted.
    """

    def observe(exchange: Exchange) -> None:
        if on_exchange:
            on_exchange(exchange)
        if provider.pk:
            count(provider.pk, exchange)

    return ProviderClient(
        provider.url,
        unseal(provider.sealed_key),
        dialect=dialect_of(provider),
        currency=provider.currency,
        allow_private=settings.ALLOW_PRIVATE_PROVIDER_HOSTS,
        deadline=deadline,
        user_agent=f"{settings.SHOP_NAME} storefront".encode("ascii", "ignore").decode(),
        on_exchange=observe,
    )
