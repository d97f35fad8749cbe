"""Filters for pages of the catalog: search words marked in names, letters of platforms, times."""

import re
from collections.abc import Hashable, Sequence
from functools import lru_cache

from django import template
from django.conf import settings
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, escape, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from catalog.facts.reading import ServiceTimes, times_of
from catalog.models import Category, Service
from catalog.shop import updates
from catalog.shop.page_addresses import category_address, service_address
from catalog.shop.platforms import letters_of
from catalog.shop.search_text import fold
from catalog.shop.updates import UpdateGroup
from catalog.templatetags.display_prices import about
from core.owner_texts import shown
from core.templatetags.shop import icon_html

register = template.Library()
#: The class and the icon of each kind of update.
_UPDATE_LOOKS = {
    "new": ("is-completed", "plus"), "dearer": ("is-partial", "trending-up"), "cheaper": ("is-completed", "tag"),
    "gone": ("is-canceled", "circle-x"), "back": ("is-progress", "undo-2"),
}  # fmt: skip


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
        parts += [escape(text[end:start]), "<mark>", escape(text[start:stop]), "</mark>"]
        end = stop
    return SafeString("".join([*parts, escape(text[end:])]))


def _places(text: str, words: list[str]) -> list[tuple[int, int]]:
    """Where ``words`` stand in ``text``: beginnings and ends, in order, those that touch as one."""
    origins: Sequence[int]
    if text.isascii():
        folded, origins = text.lower(), range(len(text))
    else:
        # One letter may fold to several, or to none: each folded letter knows from which it came.
        letters = [(folded, n) for n, letter in enumerate(text) for folded in _fold_letter(letter)]
        folded, origins = "".join(letter for letter, _n in letters), [n for _letter, n in letters]
    found = sorted(match.span() for word in words for match in re.finditer(re.escape(word), folded))
    places: list[tuple[int, int]] = []
    for first, after in found:
        start = origins[first]
        stop = origins[after] if after < len(origins) else len(text)
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
def update_title(group: UpdateGroup) -> str:
    """What happened to how many services."""
    return updates.title_of(group)


@register.filter
def update_class(group: UpdateGroup) -> str:
    """The class that gives the dot of an update its colour."""
    return _UPDATE_LOOKS[group.kind][0]


@register.filter
def update_icon(group: UpdateGroup) -> str:
    return _UPDATE_LOOKS[group.kind][1]


@register.filter
def times(service: Service) -> ServiceTimes:
    """What is known about how long the service takes; no query where its figures were read with it."""
    return times_of(service)


@register.filter
def offers(service: Service) -> SafeString:
    """What an order for the service may ask for, each with its icon: "Refill 30 days", "Cancel", "Drip-feed"."""
    days = service.refill_days if service.allows_refill else None
    return _offers_html(days, service.allows_cancel, service.allows_dripfeed, get_language())


@lru_cache(maxsize=1024)
def _offers_html(days: int | None, cancel: bool, dripfeed: bool, _language: str | None) -> SafeString:
    """``days`` is None without refills, 0 if no end is known. A list shows the same few again and again."""
    words = []
    if days is not None:
        refill = ngettext("Refill %(n)d day", "Refill %(n)d days", days) % {"n": days} if days else _("Refill")
        words.append(("rotate-cw", refill))
    words += [("circle-x", _("Cancel"))] if cancel else []
    words += [("droplets", _("Drip-feed"))] if dripfeed else []
    shown = [(icon_html(icon), word) for icon, word in words]
    return format_html_join("", '<span class="inline-flex items-center gap-1">{}{}</span>', shown)


@register.filter
def row_facts(service: Service) -> SafeString:
    """The badges, the time on a phone, and the offers of one row of a list."""
    return _kept(
        "catalog/row_facts.html", badges=tuple(service.badges), times=times_of(service), offers=offers(service)
    )


@register.simple_tag(takes_context=True)
def row_cells(context: Context, service: Service, has_times: bool) -> SafeString:
    """The cells of one row of a list after its name: times, limits, price, and the button to order."""
    return _kept(
        "catalog/row_cells.html", pk=service.pk, name=shown(service, "name"), unit=service.unit, min=service.min,
        max=service.max, price=service.shown_price, has_times=has_times, times=times_of(service),
        near=about(context, service.shown_price),
    )  # fmt: skip


def _kept(template: str, **shown: Hashable) -> SafeString:
    """Render a part of a row, or return what was rendered of the same values before."""
    return _rendered(template, get_language(), settings.SHOP_CURRENCY, tuple(shown.items()))


@lru_cache(maxsize=4096)
def _rendered(
    template: str, _language: str | None, _currency: str, shown: tuple[tuple[str, Hashable], ...]
) -> SafeString:
    return render_to_string(template, dict(shown))


@register.filter
def page(service: Service) -> str:
    """The address of the page of a service."""
    return service_address(service.pk, service.name)


@register.filter
def category_page(category: Category) -> str:
    """The address of the page of a category."""
    return category_address(category.pk, category.name)
