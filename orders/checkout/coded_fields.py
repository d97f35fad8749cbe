"""Fields that take codes: what may be chosen for a service, and what somebody who typed words meant."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Service
from catalog.shop.search_text import fold
from core.countries import COUNTRIES, OTHER_SPELLINGS
from upstream.coded_fields import CODED_FIELDS

type Choices = Mapping[str, str | Promise]

#: What panels of this convention mean where the provider names no codes of its own.
_USUAL: dict[str, Choices] = {
    "country": {"WW": gettext_lazy("All countries"), **COUNTRIES},
    "device": {
        "1": gettext_lazy("Computers"),
        "2": gettext_lazy("Phones with Android"),
        "3": gettext_lazy("Phones with iOS"),
        "4": gettext_lazy("Phones of both kinds"),
        "5": gettext_lazy("Phones and computers"),
    },
    "type_of_traffic": {
        "1": gettext_lazy("A search engine"),
        "2": gettext_lazy("Another page"),
        "3": gettext_lazy("Directly"),
    },
}
#: Words of a provider's own source of traffic that ask for another field.
_ASKS_FOR = {"google_keyword": ("keyword", "search", "google", "organic"), "referring_url": ("refer", "custom url")}
_USUAL_NEEDS = {"1": "google_keyword", "2": "referring_url"}


def choices_of(service: Service, name: str) -> Choices | None:
    """Return the codes that may be chosen for a field, with their labels; None if the field takes any text."""
    if name not in CODED_FIELDS:
        return None
    own = service.source.codes.get(name)
    if not own:
        return _USUAL[name]
    return {code: COUNTRIES.get(code, label) if label == code else label for code, label in own.items()}


def code_of(choices: Choices, typed: str) -> str | None:
    """Return the code that was typed, in any case, or whose label was; None if it is none of them."""
    if typed in choices:
        return typed
    wanted = fold(typed)
    for code, label in choices.items():
        if wanted in (fold(code), fold(str(label)), fold(COUNTRIES.get(code, code))):
            return code
    other = OTHER_SPELLINGS.get(wanted)
    return other if other in choices else None


def not_a_choice(choices: Choices) -> str:
    """Return the sentence that refuses anything else, with the codes if they are few."""
    if len(choices) > 12:
        return _("Choose one from the list, such as %(code)s.") % {"code": ", ".join([*choices][:3])}
    return _("Choose one of these: %(codes)s.") % {"codes": ", ".join(f"{c} ({label})" for c, label in choices.items())}


def needed_by_source(service: Service, code: str) -> str | None:
    """Return the field that this source of traffic needs besides, if any."""
    own = service.source.codes.get("type_of_traffic")
    if not own:
        return _USUAL_NEEDS.get(code)
    label = fold(own.get(code, ""))
    return next((name for name, words in _ASKS_FOR.items() if any(word in label for word in words)), None)
