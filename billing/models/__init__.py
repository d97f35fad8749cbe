"""The rows of money: the ledger, and the top-ups through which money comes in."""

from billing.models.files import StoredFile
from billing.models.ledger import REFUNDS, Account, AccountKind, Code, Hold, Transfer, Wallet, WalletLine
from billing.models.methods import PaymentMethod
from billing.models.reviews import TransferNotice, TransferReview
from billing.models.topups import (
    DemoPayment,
    GatewayEvent,
    PaymentRefund,
    TopUp,
    TopUpEvent,
    TopUpPayment,
    TopUpState,
)
from billing.models.vouchers import Voucher, VoucherBatch

__all__ = [
    "REFUNDS",
    "Account",
    "AccountKind",
    "Code",
    "DemoPayment",
    "GatewayEvent",
    "Hold",
    "PaymentMethod",
    "PaymentRefund",
    "StoredFile",
    "TopUp",
    "TopUpEvent",
    "TopUpPayment",
    "TopUpState",
    "Transfer",
    "TransferNotice",
    "TransferReview",
    "Voucher",
    "VoucherBatch",
    "Wallet",
    "WalletLine",
]
