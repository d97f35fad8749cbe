"""`make messages` finds the texts of customers, and `make check` refuses translations that would break a page."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from tools import messages
from tools.messages import PLURALS, extracted, faults_of, texts_of, untranslated


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return extracted()


def one(original: str | tuple[str, str], translation: str | tuple[str, ...], language: str = "es") -> list[str]:
    found = Catalog(locale=language)
    return list(faults_of(found.add(original, translation), language))


def test_texts_of_customers_are_extracted_and_those_of_the_owner_are_not(catalog: Catalog) -> None:
    assert {"Skip to content", "Create account", "You have too many open tickets. Wait until some are answered."} <= {
        message.id for message in catalog
    }
    assert catalog.get("settings of the shop") is None  # a model's name
    assert catalog.get("Close the selected tickets") is None  # the admin's
    assert catalog.get("Read services, orders and the balance") is not None  # a model's choices, shown to customers


def test_indented_template_can_be_extracted(tmp_path: Path) -> None:
    template = tmp_path / "page.html"
    template.write_text('{% load i18n %}\n<p>\n    {% translate "One" %}\n  {% translate "Two" %}\n</p>\n')
    assert [text for _line, text, _comments, _context in texts_of(str(template))] == ["One", "Two"]


@pytest.mark.parametrize(
    ("original", "translation", "fault"),
    [
        ("%(n)s orders", "%(m)s pedidos", "placeholders"),
        ("%(n)s orders", "pedidos", "placeholders"),
        ("100%% of %(n)s", "100% de %(n)s", "placeholders"),
        ("<b>Bold</b>", "<b>Negrita<b>", "HTML"),
        ("Open ", "Abrir", "white space"),
        (("%(n)s order", "%(n)s orders"), ("un pedido", "pedidos"), "placeholders"),
        (("%(n)s order", "%(n)s orders"), ("un pedido", ""), "plural form 1 is empty"),
    ],
)
def test_translation_that_breaks_a_page_is_refused(
    original: str | tuple[str, str], translation: str | tuple[str, ...], fault: str
) -> None:
    assert any(fault in found for found in one(original, translation))


def test_good_translations_pass() -> None:
    assert one("%(n)s of <b>%(all)s</b>", "<b>%(all)s</b>: %(n)s") == []
    assert one(("%(n)s order", "%(n)s orders"), ("un pedido", "%(n)s pedidos")) == []
    arabic = ("لا طلبات", "طلب واحد", "طلبان", "%(n)s طلبات", "%(n)s طلبًا", "%(n)s طلب")
    assert one(("%(n)s order", "%(n)s orders"), arabic, "ar") == []


def test_untranslated_and_fuzzy_texts_are_listed() -> None:
    found = Catalog(locale="es", fuzzy=False)
    found.add("Done", "Hecho")
    found.add("New", "")
    found.add("Changed", "Cambiado", flags=["fuzzy"])
    found.add(("%(n)s order", "%(n)s orders"), ("", ""))
    assert [message.id for message in untranslated(found)] == ["New", "Changed", ("%(n)s order", "%(n)s orders")]


@pytest.mark.parametrize("language", sorted(PLURALS))
def test_committed_catalog_is_fresh_and_sound(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.check(must_be_complete=False) == 0, capsys.readouterr().out
