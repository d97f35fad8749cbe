"""The owner's view of money. Nothing here edits a row: money moves through `billing.ledger` alone."""

from billing.admin.books import HoldAdmin, TransferAdmin
from billing.admin.people import PersonWithWalletAdmin
from billing.admin.wallets import WalletAdmin

__all__ = ["HoldAdmin", "PersonWithWalletAdmin", "TransferAdmin", "WalletAdmin"]
