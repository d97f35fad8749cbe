"""Filters for pages of the catalog: search words marked in names, letters of platforms, times."""

import re
from functools import lru_cache

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from catalog.facts.reading import ServiceTimes, times_of
from catalog.models import Category, Service, ServiceChange
from catalog.shop import updates
from catalog.shop.page_addresses import category_address, service_address
from catalog.shop.platforms import letters_of
from catalog.shop.search_text import fold

register = template.Library()


@register.filter
def marked(name: str | int, words: list[str] | str) -> SafeString:
    """Return ``name`` with each of ``words`` in a <mark>, in whatever letters it is written there: 𝐁𝐨𝐥𝐝, İ, accents."""
    text = str(name)
    sought = [word for word in (fold(words).split() if isinstance(words, str) else words) if len(word) > 1]
    marks = _places(text, sought) if sought else []
    if not marks:
        return conditional_escape(text)
    parts, end = [], 0
    for start, stop in marks:
        parts += [conditional_escape(text[end:start]), format_html("<mark>{}</mark>", text[start:stop])]
        end = stop
    return format_html_join("", "{}", ((part,) for part in [*parts, conditional_escape(text[end:])]))


def _places(text: str, words: list[str]) -> list[tuple[int, int]]:
    """Where ``words`` stand in ``text``: beginnings and ends, in order, those that touch as one."""
    # One letter may fold to several, or to none: each folded letter knows from which it came.
    letters = [(folded, n) for n, letter in enumerate(text) for folded in _fold_letter(letter)]
    folded = "".join(letter for letter, _n in letters)
    found = sorted(match.span() for word in words for match in re.finditer(re.escape(word), folded))
    places: list[tuple[int, int]] = []
    for first, after in found:
        start = letters[first][1]
        stop = letters[after][1] if after < len(letters) else len(text)
        if places and start <= places[-1][1]:
            start, stop = places[-1][0], max(places.pop()[1], stop)
        places.append((start, stop))
    return places


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    return " " if letter.isspace() else fold(letter)


@register.filter
def tile(platform: str) -> str:
    """The letters of a platform's tile."""
    return letters_of(platform)


@register.filter
def about_many(update: ServiceChange) -> str:
    """Which services an update is about that counts many."""
    return updates.about_many(update)


@register.filter
def times(service: Service) -> ServiceTimes:
    """What is known about how long the service takes; no query where its figures were read with it."""
    return times_of(service)


@register.filter
def page(service: Service) -> str:
    """The address of the page of a service."""
    return service_address(service.pk, service.name)


@register.filter
def category_page(category: Category) -> str:
    """The address of the page of a category."""
    return category_address(category.pk, category.name)
