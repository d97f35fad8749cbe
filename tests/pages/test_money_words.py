from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, Template

from core.templatetags.money import money_html, money_text, slot_class, whole_cents
from core.templatetags.shop import duration_text, num


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("128.40", "$128.40"),
        ("0.7065", "$0.7065"),
        ("0.0042", "$0.0042"),
        ("0.00001", "$0.00001"),
        ("-4.5", "−$4.50"),
        ("1284.71070", "$1,284.7107"),
        ("0", "$0.00"),
        ("1000000", "$1,000,000.00"),
    ],
)
def test_an_amount_shows_two_places_at_least_and_no_trailing_zeros_beyond(amount: str, text: str) -> None:
    assert money_text(Decimal(amount)) == text


def test_digits_finer_than_a_cent_stand_in_their_own_span() -> None:
    assert money_html(Decimal("0.7065")) == '<span class="money">$0.70<span class="money-sub">65</span></span>'
    assert money_html(Decimal("4.5")) == '<span class="money">$4.50</span>'


def test_a_slotted_amount_keeps_room_for_digits_it_does_not_have() -> None:
    assert money_html(Decimal("4.5"), slotted=True).endswith('<span class="money-sub"></span></span>')


def test_below_a_cent_every_digit_is_ink() -> None:
    assert '<span class="money-sub is-ink">42</span>' in money_html(Decimal("0.0042"))


def test_only_money_that_came_in_has_a_plus_and_the_colour() -> None:
    came = money_html(Decimal(50), signed=True)
    went = money_html(Decimal(-50), signed=True)
    assert "money-in" in came
    assert "+$50.00" in came
    assert "money-in" not in went
    assert "−$50.00" in went
    assert "+" not in money_html(Decimal(0), signed=True)


@pytest.mark.parametrize(
    ("amounts", "css"),
    [([], ""), (["1", "2.5"], ""), (["1", "0.095"], "slot-1"), (["0.7065", "4.5"], "slot-2"), (["0.00001"], "slot-3")],
)
def test_a_list_is_as_wide_as_its_finest_amount(amounts: list[str], css: str) -> None:
    assert slot_class([Decimal(a) for a in amounts]) == css


def test_the_rail_never_promises_a_cent_that_is_not_there() -> None:
    assert whole_cents(Decimal("128.36999")) == Decimal("128.36")
    html = Template("{% load money %}{% money amount cents=True %}").render(Context({"amount": Decimal("128.36999")}))
    assert html == '<span class="money">$128.36</span>'


def test_a_currency_without_a_sign_is_named_by_its_code(settings: Any) -> None:
    settings.SHOP_CURRENCY = "CHF"
    assert money_text(Decimal("4.5")) == "CHF\N{NO-BREAK SPACE}4.50"
    settings.SHOP_CURRENCY = "EUR"
    assert money_text(Decimal("-4.5")) == "−€4.50"


def test_quantities_and_durations() -> None:
    assert num(2_500_000) == "2,500,000"
    assert num(None) == ""
    assert duration_text(timedelta(seconds=10)) == "1 min"
    assert duration_text(timedelta(minutes=70)) == "1 h 10 min"
    assert duration_text(timedelta(days=2, hours=3, minutes=5)) == "2 d 3 h"
