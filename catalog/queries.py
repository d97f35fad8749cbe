"""What other rooms may ask the catalog."""

from catalog.models import Service


def sellable(service_id: int) -> Service | None:
    """The service if it is on sale now, with its source, provider and category in the same query."""
    found = Service.objects.on_sale().select_related("source__provider", "category")
    return found.filter(pk=service_id).first()
