"""Look-ups of services for other rooms."""

from catalog.models import Service


def sellable(service_id: int) -> Service | None:
    """Return the service if it is on sale now, with its category, source, fallback and their providers."""
    found = Service.objects.on_sale().select_related("source__provider", "fallback__provider", "category")
    return found.filter(pk=service_id).first()
