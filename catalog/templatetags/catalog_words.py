"""Filters for pages of the catalog: search words marked in names, letters of platforms, times."""

import re

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from catalog.facts.reading import ServiceTimes, times_of
from catalog.models import Service, ServiceChange
from catalog.shop import updates
from catalog.shop.platforms import letters_of

register = template.Library()


@register.filter
def marked(name: str, text: str) -> SafeString:
    """Return ``name`` with every word of ``text`` in a <mark>, where it is spelled the same."""
    words = [re.escape(word) for word in text.split() if len(word) > 1]
    if not words:
        return conditional_escape(name)
    parts = re.split(f"({'|'.join(sorted(words, key=len, reverse=True))})", name, flags=re.IGNORECASE)
    marks = (format_html("<mark>{}</mark>", part) if n % 2 else part for n, part in enumerate(parts))
    return format_html_join("", "{}", ((mark,) for mark in marks))


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
