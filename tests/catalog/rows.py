"""What stands in the tables, to tell whether a sync wrote anything."""

from typing import Any

from django.db import connection

from catalog.models import ProviderService, Service

TABLES = ("catalog_providerservice", "catalog_service", "catalog_category")


def versions() -> dict[str, list[Any]]:
    """The row versions of the catalog's tables: an UPDATE that changes nothing shows here, too."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT id, ctid::text, xmin::text FROM {table} ORDER BY id")
            found[table] = cursor.fetchall()
    return found


def on_sale() -> dict[str, Service]:
    """Services a customer can buy, by their id at the provider."""
    selling = Service.objects.on_sale().select_related("source", "category")
    return {service.source.external_id: service for service in selling}


def source(external_id: str) -> ProviderService:
    return ProviderService.objects.get(external_id=external_id)
