"""Small parts of every page: icons, states, numbers, durations."""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core import owner_texts

register = template.Library()


@lru_cache(maxsize=512)
def icon_html(name: str, extra: str = "") -> SafeString:
    """One icon of the sprite. It is hidden from screen readers, so put a word or a label next to it."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f" {extra}" if extra else "",
        static("icons.svg"),
        name,
    )


def state_html(kind: str, icon: str, word: str) -> SafeString:
    """A state badge: colour, icon and word. ``kind`` is the class that sets the colour, such as is-partial."""
    return format_html('<span class="state {}">{}{}</span>', kind, icon_html(icon), word)


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    return icon_html(name, extra)


@register.simple_tag
def state(kind: str, icon: str, word: str) -> SafeString:
    return state_html(kind, icon, word)


@register.filter
def num(value: int | None) -> str:
    """A quantity with thousands separators; Latin digits in every language."""
    return "" if value is None else f"{value:,}"


@register.filter
def sample(n: int) -> str:
    """Of how many orders a figure was measured: 20 to 99, or 100+, since more make it no better."""
    return "100+" if n >= 100 else str(n)  # noqa: PLR2004


def duration_text(span: timedelta) -> str:
    """``4 min``, ``1 h 10 min``, ``2 d 3 h``: rounded up to the minute, with the two largest units."""
    minutes = max(1, -(-int(span.total_seconds()) // 60))
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours} if hours else _("%d d") % days
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes} if minutes else _("%d h") % hours
    return _("%d min") % minutes


@register.filter
def duration(span: timedelta) -> str:
    return duration_text(span)


@register.simple_tag(takes_context=True)
def shop_name(context: Context) -> str:
    """The shop's name; where no context processor runs, as on the error 500 page, the environment's."""
    shop = context.get("shop")
    name: str = shop.name if shop else settings.SHOP_NAME
    return name


@register.filter
def shown(thing: Any, field: str) -> str:
    """A text of the owner in the language of the page, or the original (`core.owner_texts`)."""
    return owner_texts.shown(thing, field)
