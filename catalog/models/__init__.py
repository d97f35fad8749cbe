from catalog.models.provider import Provider, SyncRun
from catalog.models.service import Category, ProviderService, Service, Unit

__all__ = ["Category", "Provider", "ProviderService", "Service", "SyncRun", "Unit"]
