"""The lock under which a provider's rows and prices are written."""

from catalog.models import Provider


def lock_provider(provider_id: int) -> Provider:
    """Return the provider as it is now, locked until the transaction ends.

    Lock it before writing any row of its list or any service: then a change of the markup waits for prices that are
    being written and reprices them, and two writers cannot deadlock.
    """
    return Provider.objects.select_for_update(no_key=True).get(pk=provider_id)


def lock_all_providers() -> list[Provider]:
    """Return all providers, locked until the transaction ends, always in the same order."""
    return list(Provider.objects.select_for_update(no_key=True).order_by("pk"))
