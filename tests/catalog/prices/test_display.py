"""Prices in a display currency: what is rounded how, and which rates the database takes."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from catalog.models import DisplayCurrency
from catalog.prices.display import converted_text


@pytest.mark.parametrize(
    ("amount", "rate", "decimals", "shown"),
    [
        ("4.65", "0.9226", 2, "€4.29"),
        ("1", "0.925", 2, "€0.93"),  # half is rounded up
        ("1", "0.92499", 2, "€0.92"),
        ("1234567.89", "0.92", 2, "€1,135,802.46"),
        ("0", "0.92", 2, "€0.00"),
        ("100", "1", 2, "€100.00"),
        # Two digits count, however small the amount.
        ("0.0032", "0.92", 2, "€0.0029"),
        ("0.01", "0.92", 2, "€0.0092"),
        ("0.12", "0.92", 2, "€0.11"),
        ("0.00001", "0.92", 2, "€0.0000092"),
        ("0.001086", "0.92", 2, "€0.00100"),
        ("0.010869", "0.92", 2, "€0.0100"),
        # Currencies with other decimals.
        ("1.859", "25400", 0, "€47,219"),
        ("0.00004", "25400", 0, "€1.0"),
        ("0.000003", "25400", 0, "€0.076"),
        ("1.859", "0.0000098", 8, "€0.00001822"),
        ("999999999999.99999", "999999999999.999999999999", 2, "€999,999,999,999,999,989,999,999.00"),
    ],
)
def test_an_amount_is_rounded_half_up_to_what_people_read(amount: str, rate: str, decimals: int, shown: str) -> None:
    currency = DisplayCurrency(code="EUR", rate=Decimal(rate), decimals=decimals)
    assert converted_text(Decimal(amount), currency) == shown


def test_a_currency_without_a_sign_is_named_by_its_code() -> None:
    assert converted_text(Decimal(2), DisplayCurrency(code="CHF", rate=Decimal("0.9"), decimals=2)) == "CHF\xa01.80"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("display_currency_code_sane", {"code": "eur"}),
        ("display_currency_code_sane", {"code": "E R"}),
        ("display_currency_code_sane", {"code": ""}),
        ("display_currency_rate_sane", {"rate": Decimal(0)}),
        ("display_currency_rate_sane", {"rate": Decimal(-1)}),
        ("display_currency_decimals_sane", {"decimals": 9}),
        ("catalog_displaycurrency_code_key", {"code": "GBP"}),
    ],
)
def test_the_bad_row_is_refused(name: str, values: dict[str, Any]) -> None:
    DisplayCurrency.objects.create(code="GBP", rate=Decimal("0.8"))
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        DisplayCurrency.objects.create(**{"code": "EUR", "rate": Decimal("0.92"), **values})
    assert name in str(refusal.value)
