"""The lock under which a provider's rows and prices are written."""

from catalog.models import Provider


def lock_provider(provider_id: int) -> Provider:
    """The provider as it stands now, locked until the transaction ends.

    Taken before any row of its list or any service is written: whoever changes the markup waits for prices under way
    and reprices them after, and two writers cannot wait for each other in a circle.
    """
    return Provider.objects.select_for_update(no_key=True).get(pk=provider_id)


def lock_all_providers() -> list[Provider]:
    """Every provider, locked until the transaction ends, in the one order everybody takes them in."""
    return list(Provider.objects.select_for_update(no_key=True).order_by("pk"))
