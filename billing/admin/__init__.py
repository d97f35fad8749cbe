"""The owner's view of money. Nothing here edits a balance: money moves through `billing.ledger` alone."""

from billing.admin.bonuses import BonusRuleAdmin
from billing.admin.books import HoldAdmin, TransferAdmin
from billing.admin.deposits import DepositRuleAdmin
from billing.admin.documents import DocumentAdmin, MoneySettingsAdmin
from billing.admin.methods import PaymentMethodAdmin
from billing.admin.people import PersonWithWalletAdmin
from billing.admin.topups import TopUpAdmin
from billing.admin.unknown import UnknownPaymentAdmin
from billing.admin.vouchers import VoucherBatchAdmin
from billing.admin.wallets import WalletAdmin

__all__ = [
    "BonusRuleAdmin",
    "DepositRuleAdmin",
    "DocumentAdmin",
    "HoldAdmin",
    "MoneySettingsAdmin",
    "PaymentMethodAdmin",
    "PersonWithWalletAdmin",
    "TopUpAdmin",
    "TransferAdmin",
    "UnknownPaymentAdmin",
    "VoucherBatchAdmin",
    "WalletAdmin",
]
