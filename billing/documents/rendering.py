"""Writes a document as HTML, in the language of its customer. What is written is stored and shown as it is."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from accounts.languages import mail_language
from billing.models import BuyerDetails, Document
from billing.models.settings import MoneySettings
from core.shop_settings import shop_settings


@dataclass(frozen=True)
class Paper:
    """A document before it is written; ``bonus`` and ``fee_net`` are in the shop's currency."""

    document: Document
    terms: MoneySettings
    bonus: Decimal
    fee_net: Decimal


def render(paper: Paper) -> tuple[str, str]:
    """Return the language and the HTML of a document: one article, with everything from outside escaped."""
    document, shop = paper.document, shop_settings()
    topup, customer = document.topup, document.customer
    net = document.amount - document.tax
    language = mail_language(customer)
    context = {
        "document": document,
        "topup": topup,
        "shop": shop,
        "seller": paper.terms,
        "buyer": BuyerDetails.objects.filter(customer=customer).first(),
        "customer": customer,
        "net": net,
        "balance_net": net - paper.fee_net,
        "fee_net": paper.fee_net,
        "percent": f"{document.tax_percent.normalize():f}%",
        "bonus": paper.bonus,
        "arrives": document.amount - document.fee + paper.bonus,
        "is_foreign": topup.pay_currency != settings.SHOP_CURRENCY,
    }
    with translation.override(language):
        context["direction"] = "rtl" if translation.get_language_bidi() else "ltr"
        return language, render_to_string("billing/document_sheet.html", {**context, "language": language})
