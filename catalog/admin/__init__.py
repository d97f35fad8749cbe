"""The catalog in the admin."""

from catalog.admin.adjustments import PriceAdjustmentAdmin
from catalog.admin.categories import CategoryAdmin
from catalog.admin.customer_prices import CustomerPriceAdmin
from catalog.admin.display_currencies import DisplayCurrencyAdmin
from catalog.admin.groups import CustomerGroupAdmin
from catalog.admin.order_rules import OrderRulesAdmin
from catalog.admin.provider_services import ProviderServiceAdmin
from catalog.admin.providers import ProviderAdmin
from catalog.admin.rules import MarkupRuleAdmin
from catalog.admin.services import ServiceAdmin
from catalog.admin.syncs import SyncRunAdmin
from catalog.admin.unlisted import UnlistedTextAdmin

__all__ = [
    "CategoryAdmin",
    "CustomerGroupAdmin",
    "CustomerPriceAdmin",
    "DisplayCurrencyAdmin",
    "MarkupRuleAdmin",
    "PriceAdjustmentAdmin",
    "OrderRulesAdmin",
    "ProviderAdmin",
    "ProviderServiceAdmin",
    "ServiceAdmin",
    "SyncRunAdmin",
    "UnlistedTextAdmin",
]
