"""Numbers, dates and plural forms in each language."""

from datetime import date
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import translation
from django.utils.formats import date_format, number_format

from core.templatetags.money import money_text
from core.templatetags.shop import num
from tools.messages import PLURALS, read


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_numbers_are_written_alike_with_latin_digits_in_every_language(language: str) -> None:
    with translation.override(language):
        assert num(1234567) == "1,234,567"
        assert number_format(Decimal("1234.5")) == "1234.5"
        assert Template("{{ n }}").render(Context({"n": Decimal("2.5")})) == "2.5"


def test_amount_in_a_sentence_keeps_its_order_in_arabic() -> None:
    with translation.override("ar"):
        assert money_text(Decimal("-4.5")) == "\N{LEFT-TO-RIGHT ISOLATE}−$4.50\N{POP DIRECTIONAL ISOLATE}"
    assert money_text(Decimal("-4.5")) == "−$4.50"


def test_dates_have_the_words_of_their_language() -> None:
    day = date(2026, 11, 30)
    with translation.override("es"):
        assert date_format(day, "j F Y") == "30 de noviembre de 2026"
        assert date_format(day, "F Y") == "noviembre de 2026"
        assert date_format(day, "j M Y") == "30 Nov 2026" or date_format(day, "j M Y").lower().startswith("30 nov")
    with translation.override("ar"):
        assert date_format(day, "j F Y").startswith("30 ")
        assert date_format(day, "j F Y").endswith(" 2026")
    assert date_format(day, "j F Y") == "30 November 2026"


def test_arabic_has_six_plural_forms_in_the_order_of_django() -> None:
    catalog = read("ar")
    assert catalog.num_plurals == 6
    for language in PLURALS:
        forms = {len(m.string) for m in read(language) if isinstance(m.id, tuple) and isinstance(m.string, tuple)}
        assert forms == {read(language).num_plurals}
