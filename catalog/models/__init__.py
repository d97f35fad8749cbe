from catalog.models.change import ChangeKind, ServiceChange
from catalog.models.diff import SyncDiff
from catalog.models.provider import AnswerCount, Provider, SyncRun
from catalog.models.rule import MarkupRule
from catalog.models.service import Category, ProviderService, Service, Unit
from catalog.models.unlisted import UnlistedText

__all__ = [
    "AnswerCount",
    "Category",
    "ChangeKind",
    "MarkupRule",
    "Provider",
    "ProviderService",
    "Service",
    "ServiceChange",
    "SyncDiff",
    "SyncRun",
    "Unit",
    "UnlistedText",
]
