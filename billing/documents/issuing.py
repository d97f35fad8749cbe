"""Writes the document of what a top-up moved at its gateway, in the transaction that moved it.

It works towards a target, as everything about top-ups does: the documents of a top-up, receipts less credit notes, say
what its transfers to and from the gateway's account say. A repeat writes nothing.
"""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
from django.db import connection

from billing.documents.rendering import Paper, render
from billing.gateways.reading import decimals_of
from billing.models import CatchUp, Code, Document, DocumentKind, TopUp
from billing.models.settings import MoneySettings, money_settings
from billing.topups.movements import Moved, moved_by
from core.frozen import shop_is_frozen
from core.money import EXACT, divide, multiply

ZERO = Decimal(0)
_IN = (Code.TOPUP, Code.TOPUP_FEE, Code.CHARGEBACK_BACK, Code.LOSS_BACK)
_OUT = (Code.TOPUP_REFUND, Code.CHARGEBACK, Code.CHARGEBACK_LOSS, Code.FEE)
_LETTERS = {DocumentKind.RECEIPT: "R", DocumentKind.CREDIT_NOTE: "C"}

# The row stays locked until the transaction ends: the next transaction waits, and a rollback gives the number back.
_NEXT = """
    INSERT INTO billing_documentcounter AS c (series, last) VALUES (%(series)s, 1)
    ON CONFLICT (series) DO UPDATE SET last = c.last + 1 RETURNING last
"""


def issue(topup: TopUp, *, now: datetime) -> Document | None:
    """Write the receipt or credit note that a top-up misses and return it; None if it misses none.

    Call it last in the transaction that moved the money, under the lock of the top-up: it locks the counter of its
    series. In a frozen shop nothing gets a number; the document follows after the thaw.
    """
    if not topup.keeps_documents:
        return None
    moved, written = moved_by(topup), list(topup.documents.order_by("pk"))
    missing = moved.net(_IN, _OUT) - _sum(written, "amount")
    if not missing:
        return None
    if shop_is_frozen():
        CatchUp.objects.get_or_create(topup=topup)
        return None
    kind = DocumentKind.RECEIPT if missing > 0 else DocumentKind.CREDIT_NOTE
    terms, amount = money_settings(), abs(missing)
    first = next((each for each in written if each.kind == DocumentKind.RECEIPT), None)
    percent = terms.tax_percent if first is None else first.tax_percent
    fee = min(max(_signed(kind) * (moved.fee - _sum(written, "fee")), ZERO), amount)
    series = f"{_LETTERS[kind]}{_letter(terms.restores)}-{now.astimezone(UTC):%Y}"
    document = Document(
        kind=kind, series=series, customer=topup.customer, topup=topup,
        corrects=first if kind == DocumentKind.CREDIT_NOTE else None,
        amount=amount, fee=fee, tax=_tax(kind, amount, percent, written), tax_percent=percent, made_at=now,
    )  # fmt: skip
    return _numbered(document, terms, moved, is_first=first is None)


def _numbered(document: Document, terms: MoneySettings, moved: Moved, *, is_first: bool) -> Document:
    """Give a document its number, write it down and save it."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"series": document.series})
        [document.ordinal] = cursor.fetchone()
    bonus = moved.bonus if is_first else ZERO
    document.language, document.html = render(Paper(document, terms, bonus=bonus, fee_net=_net_of_fee(document)))
    document.save(force_insert=True)
    return document


def _signed(kind: str) -> int:
    return 1 if kind == DocumentKind.RECEIPT else -1


def _sum(documents: list[Document], column: str) -> Decimal:
    return sum((_signed(each.kind) * getattr(each, column) for each in documents), ZERO)


def _letter(restores: int) -> str:
    """What tells the series of after a restore from those before it: nothing, then B, C and so on."""
    return "" if restores == 0 else chr(ord("A") + min(restores, 25))


def tax_in(amount: Decimal, percent: Decimal) -> Decimal:
    """Return the tax that is part of ``amount``, rounded to what can be paid."""
    exact = divide(multiply(amount, percent), 100 + percent)
    unit = Decimal(1).scaleb(-decimals_of(settings.SHOP_CURRENCY))
    return exact.quantize(unit, rounding=ROUND_HALF_UP, context=EXACT)


def _tax(kind: str, amount: Decimal, percent: Decimal, written: list[Document]) -> Decimal:
    """Return the tax of a document; the credit note that ends a top-up takes back what is left of it."""
    if kind == DocumentKind.RECEIPT:
        return tax_in(amount, percent)
    left = max(_sum(written, "tax"), ZERO)
    return left if amount == _sum(written, "amount") else min(tax_in(amount, percent), left)


def _net_of_fee(document: Document) -> Decimal:
    return document.fee - min(tax_in(document.fee, document.tax_percent), document.tax)
