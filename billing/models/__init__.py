"""The rows of money: the ledger, and the top-ups through which money comes in."""

from billing.models.bonuses import BonusRule, FirstBonus, SignUpCredit
from billing.models.deposits import DepositRule, HeldDeposit
from billing.models.documents import BuyerDetails, CatchUp, Document, DocumentCounter, DocumentKind, DocumentPdf
from billing.models.files import StoredFile
from billing.models.ledger import REFUNDS, Account, AccountKind, Code, Hold, Transfer, Wallet, WalletLine
from billing.models.methods import PaymentMethod
from billing.models.reviews import TransferNotice, TransferReview
from billing.models.settings import MoneySettings
from billing.models.topups import (
    DemoPayment,
    GatewayEvent,
    PaymentRefund,
    TopUp,
    TopUpEvent,
    TopUpPayment,
    TopUpState,
)
from billing.models.unknown import UnknownPayment
from billing.models.vouchers import Voucher, VoucherBatch

__all__ = [
    "REFUNDS",
    "Account",
    "AccountKind",
    "BonusRule",
    "BuyerDetails",
    "CatchUp",
    "Code",
    "DepositRule",
    "DemoPayment",
    "Document",
    "DocumentCounter",
    "DocumentKind",
    "DocumentPdf",
    "FirstBonus",
    "GatewayEvent",
    "HeldDeposit",
    "Hold",
    "MoneySettings",
    "PaymentMethod",
    "PaymentRefund",
    "SignUpCredit",
    "StoredFile",
    "TopUp",
    "TopUpEvent",
    "TopUpPayment",
    "TopUpState",
    "Transfer",
    "TransferNotice",
    "TransferReview",
    "UnknownPayment",
    "Voucher",
    "VoucherBatch",
    "Wallet",
    "WalletLine",
]
