from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.amounts import BadAmount, parse_amount
from core.money import is_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100", "100"),
        ("0.00001", "0.00001"),
        (" 12.50 ", "12.5"),
        ("1.000000", "1"),
        ("999999999999.99999", "999999999999.99999"),
    ],
)
def test_plain_digits_are_an_amount(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "0", "0.0", "-1", "+1", "1e3", "1E3", "NaN", "nan", "Infinity", "-Infinity", "inf", "1,5",
        "1,000", "1_000",
        "0.000001", "1000000000000", "1" * 60, "٥", "１", "½", "1.", ".5", "1 0", "0x10", "$1", "1\n2", "1.2.3",
        "--1", "1\0",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadAmount) as refusal:
        parse_amount(text)
    assert refusal.value.message


@given(st.text(alphabet="0123456789.+-eE_, \u0665\uff11NaInfty", max_size=24))
def test_whatever_is_typed_is_an_amount_that_can_be_posted_or_refused(text: str) -> None:
    try:
        amount = parse_amount(text)
    except BadAmount:
        return
    assert is_amount(amount)
    assert text.strip().replace(".", "").isdigit()
