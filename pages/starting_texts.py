"""Texts to start from: pages that every shop needs, made of this shop's settings. The owner edits them afterwards."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.models import ShopSettings
from pages.models import Place


@dataclass(frozen=True)
class StartingText:
    """``slug`` is the address of the page, and names the file of its text."""

    slug: str
    title: Promise
    place: Place
    position: int


#: What texts need to know from rooms above, by name.
_FACTS: dict[str, Callable[[], str]] = {}

STARTING_TEXTS = (
    StartingText("faq", _("Questions and answers"), Place.HELP, 10),
    StartingText("refunds", _("Refund policy"), Place.RULES, 10),
    StartingText("terms", _("Terms"), Place.RULES, 20),
    StartingText("privacy", _("Privacy"), Place.RULES, 30),
)


def add_fact(name: str, read: Callable[[], str]) -> None:
    """Let the texts name what ``read`` returns when they are written."""
    _FACTS[name] = read


def first_values(slug: str, shop: ShopSettings, language: str = "") -> dict[str, Any]:
    """Return the fields of a new page that starts from the text ``slug``; none if there is no such text.

    ``language`` is a code; empty for the shop's default language.
    """
    for text in STARTING_TEXTS:
        if text.slug == slug:
            with translation.override(language or settings.LANGUAGE_CODE):
                return {
                    "slug": slug,
                    "title": str(text.title),
                    "body": _written(slug, shop),
                    "place": text.place.value,
                    "position": text.position,
                    "is_terms": slug == "terms",
                }
    return {}


def _written(slug: str, shop: ShopSettings) -> str:
    facts = {
        "shop": shop.name,
        "contact": shop.contact_email,
        "currency": settings.SHOP_CURRENCY,
        "api": reverse("api:docs"),
        "patience": spoken(settings.PATIENCE_SECONDS),
        "failed": spoken(settings.FAILED_GRACE_SECONDS),
        "refill": spoken(settings.REFILL_DOUBT_SECONDS),
        "doubt": spoken(settings.DOUBT_REFUND_SECONDS) if settings.DOUBT_REFUND_SECONDS else "",
        **{name: read() for name, read in _FACTS.items()},
    }
    text = render_to_string(f"pages/start/{slug}.md", facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def spoken(seconds: float) -> str:
    """Return a time in words, rounded up to the minute, in the largest unit that has it whole: 24 hours, 3 days."""
    minutes = max(1, -(-int(seconds) // 60))
    if minutes % 1440 == 0 and minutes > 1440:
        return ngettext("%(n)d day", "%(n)d days", minutes // 1440) % {"n": minutes // 1440}
    if minutes % 60 == 0:
        return ngettext("%(n)d hour", "%(n)d hours", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
