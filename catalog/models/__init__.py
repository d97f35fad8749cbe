from catalog.models.adjustment import AdjustedService, PriceAdjustment
from catalog.models.catalog_write import CatalogWrite
from catalog.models.change import ChangeKind, ServiceChange
from catalog.models.customer_price import CustomerPrice
from catalog.models.diff import SyncDiff
from catalog.models.display_currency import DisplayCurrency
from catalog.models.facts import FactsState, ServiceDay, ServiceFigures
from catalog.models.favourite import Favourite
from catalog.models.order_rules import OrderRules
from catalog.models.provider import AnswerCount, Provider, SameLink, SyncRun
from catalog.models.rule import MarkupRule
from catalog.models.service import Category, ProviderService, Service, Unit
from catalog.models.unlisted import UnlistedText

__all__ = [
    "AdjustedService",
    "AnswerCount",
    "CatalogWrite",
    "Category",
    "ChangeKind",
    "CustomerPrice",
    "DisplayCurrency",
    "FactsState",
    "Favourite",
    "MarkupRule",
    "OrderRules",
    "PriceAdjustment",
    "Provider",
    "ProviderService",
    "SameLink",
    "Service",
    "ServiceChange",
    "ServiceDay",
    "ServiceFigures",
    "SyncDiff",
    "SyncRun",
    "Unit",
    "UnlistedText",
]
