"""A language of brackets, in which each text shows that it came from the catalogs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.test import override_settings
from django.utils import translation

from catalog.templatetags import catalog_words
from core import kept_html
from tools.messages import read


@pytest.fixture
def brackets(tmp_path: Path) -> Iterator[None]:
    """Spanish whose every translation is the original in brackets."""
    bracketed = Catalog(locale="es", fuzzy=False)
    for message in read("es"):
        if message.id:
            both = message.id if isinstance(message.id, tuple | list) else (message.id,)
            texts = tuple(f"⟦{text}⟧" for text in both)
            bracketed.add(message.id, texts if len(texts) > 1 else texts[0], context=message.context)
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "django.mo").open("wb") as out:
        write_mo(out, bracketed)
    with override_settings(LOCALE_PATHS=[tmp_path]):
        _forget_rendered()
        yield
    translation.trans_real._translations.clear()  # type: ignore[attr-defined]
    _forget_rendered()


def _forget_rendered() -> None:
    """Drop the parts of pages that the process keeps per language: they hold the words of the other catalog."""
    catalog_words._offers_html.cache_clear()
    catalog_words._rendered.cache_clear()
    kept_html.forget()
