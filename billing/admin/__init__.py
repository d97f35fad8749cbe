"""The owner's view of money. Nothing here edits a balance: money moves through `billing.ledger` alone."""

from billing.admin.books import HoldAdmin, TransferAdmin
from billing.admin.methods import PaymentMethodAdmin
from billing.admin.people import PersonWithWalletAdmin
from billing.admin.topups import TopUpAdmin
from billing.admin.vouchers import VoucherBatchAdmin
from billing.admin.wallets import WalletAdmin

__all__ = [
    "HoldAdmin",
    "PaymentMethodAdmin",
    "PersonWithWalletAdmin",
    "TopUpAdmin",
    "TransferAdmin",
    "VoucherBatchAdmin",
    "WalletAdmin",
]
