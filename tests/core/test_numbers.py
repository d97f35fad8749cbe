"""Numbers as people and spreadsheets write them, and what may be two numbers refused."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.numbers import NotANumber, NumberField, ascii_digits, read_decimal, read_whole


@pytest.mark.parametrize(
    "typed",
    [
        "1000", " 1000 ", "1,000", "1.000", "1 000", "1\u00a0000", "1\u202f000", "1'000", "1’000", "1_000", "١٠٠٠",
        "١٬٠٠٠", "۱۰۰۰", "１０００", "১০০০", "१,०००", "1\u200f000",
    ],
)  # fmt: skip
def test_a_whole_number_is_read_in_digits_of_every_script_with_thousands_parted(typed: str) -> None:
    assert read_whole(typed) == 1000


def test_thousands_may_be_parted_as_in_india() -> None:
    assert read_whole("1,00,000") == 100_000


@pytest.mark.parametrize(
    "typed", ["", "1,5", "10,00", "10.5", "1,000.000", "12 34", "1e3", "-5", "+5", "²", "①", "9" * 16]
)
def test_anything_else_is_no_whole_number(typed: str) -> None:
    assert read_whole(typed) is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("5,50", "5.50"), ("5.50", "5.50"), ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"), ("1\u202f234,50", "1234.50"), ("1'234.50", "1234.50"), ("1’234,50", "1234.50"),
        ("1.234.567", "1234567"), ("12,34,567.5", "1234567.5"), ("0,125", "0.125"), ("1,2345", "1.2345"),
        ("5,50 €", "5.50"), ("$5.50", "5.50"), ("٥٫٥٠", "5.50"),
        ("-5,5", "-5.5"), ("−5", "-5"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_spreadsheets_of_many_countries_write_it(written: str, number: str) -> None:
    assert read_decimal(written) == Decimal(number)


@pytest.mark.parametrize("written", ["1.234", "1,234", "12,345", "-123.456"])
def test_what_may_be_two_numbers_is_refused_unless_the_file_has_one_point(written: str) -> None:
    with pytest.raises(NotANumber, match="This may be"):
        read_decimal(written)
    own = "." if "." in written else ","
    assert read_decimal(written, point=own) == Decimal(written.replace(",", "."))
    with pytest.raises(NotANumber, match="This may be"):
        read_decimal(written, point="," if own == "." else ".")


@pytest.mark.parametrize(
    "written", ["", "abc", "1,2,3", "1.2.3", "1.234.56", "1,,5", "NaN", "1.234’567", "€", "--1", "1e999"]
)
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(NotANumber):
        read_decimal(written)


@given(st.text(alphabet="0123456789.,'’ -eE€\u0665\u00a0\u202f", max_size=20))
def test_whatever_is_written_is_a_finite_number_or_refused(written: str) -> None:
    with suppress(NotANumber):
        assert read_decimal(written).is_finite()


def test_an_exponent_is_a_number_in_a_file_alone() -> None:
    assert read_decimal("1,50E-03", exponents=True) == Decimal("0.0015")
    assert read_decimal("1E-05", exponents=True) == Decimal("0.00001")
    with pytest.raises(NotANumber):
        read_decimal("1e3")


def test_digits_alone_are_changed() -> None:
    assert ascii_digits("٣ x ½ Ⅷ ７") == "3 x ½ Ⅷ 7"


def test_a_form_shows_a_number_as_people_write_it() -> None:
    shown = NumberField(max_digits=38, decimal_places=18)
    for stored, written in (("0E-18", "0"), ("0.500000", "0.5"), ("1000", "1000"), ("1E+3", "1000"), ("12.30", "12.3")):
        assert shown.prepare_value(Decimal(stored)) == written
        assert not shown.has_changed(Decimal(stored), written)
