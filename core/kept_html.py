"""Parts of pages that are rendered once for all things that look alike, and then filled in for each."""

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache

from django.template.loader import render_to_string
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

# Two characters for private use around a name, which no template and no translation contains.
_OPEN, _CLOSE = "\ue000", "\ue001"
_GAP = re.compile(f"{_OPEN}(\\w+){_CLOSE}")


def filled(template: str, *, alike: Mapping[str, Hashable], own: Mapping[str, str | int]) -> SafeString:
    """Return a part of a page in the language of the page; what is in ``own`` is escaped unless it is safe.

    ``alike`` decides how the part looks: all of the same language and the same values share one rendering. The template
    may print what is in ``own``, and neither test it nor give it to a filter: it does not see the values.
    """
    pieces = _pieces(template, get_language(), tuple(alike.items()), tuple(own))
    shown = list(pieces)
    shown[1::2] = [conditional_escape(str(own[name])) for name in pieces[1::2]]
    return SafeString("".join(shown))


@lru_cache(maxsize=2048)
def _pieces(
    template: str, _language: str | None, alike: tuple[tuple[str, Hashable], ...], own: tuple[str, ...]
) -> tuple[str, ...]:
    """Render with a gap for each of ``own``; return text and names of gaps in turn."""
    gaps = {name: SafeString(f"{_OPEN}{name}{_CLOSE}") for name in own}
    return tuple(_GAP.split(render_to_string(template, {**dict(alike), **gaps})))


def forget() -> None:
    """Drop what was rendered, for tests that change the words of a language."""
    _pieces.cache_clear()
