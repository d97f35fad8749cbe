"""What other rooms may ask the catalog."""

from catalog.models import Service


def sellable(service_id: int) -> Service | None:
    """The service if it is on sale now; its category, source, fallback and their providers are of the same query."""
    found = Service.objects.on_sale().select_related("source__provider", "fallback__provider", "category")
    return found.filter(pk=service_id).first()
