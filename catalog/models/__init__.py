from catalog.models.provider import Provider, SyncRun
from catalog.models.service import Category, ProviderService, Service, Unit
from catalog.models.unlisted import UnlistedText

__all__ = ["Category", "Provider", "ProviderService", "Service", "SyncRun", "Unit", "UnlistedText"]
