"""The owner's texts in other languages: names, descriptions and pages, with the original where there is none.

An object that is to be shown in another language gets its texts from :func:`attach`, by one query for all objects of a
page and none in the shop's default language. Addresses, the API and orders keep the original.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils.translation import get_language

from core.models import OwnerText


def kind_of(model: Model | type[Model]) -> str:
    """Return the name of a table as texts have it: "catalog.service"."""
    return model._meta.label_lower


def is_original(language: str | None = None) -> bool:
    """True in the language in which the owner writes: the default one, or one that the shop does not know."""
    language = language or get_language() or str(settings.LANGUAGE_CODE)
    return language == settings.LANGUAGE_CODE or language not in dict(settings.LANGUAGES)


def attach(*objects: Any) -> None:
    """Give each object (None is left out) the texts of the language in which the page is written; one query at most.

    ``shown`` reads them.
    """
    wanted = [each for each in objects if each is not None]
    if not wanted or is_original():
        return
    rows = OwnerText.objects.filter(
        language=get_language(),
        object_type__in={kind_of(each) for each in wanted},
        object_id__in={each.pk for each in wanted},
    ).values_list("object_type", "object_id", "field", "text")
    found: dict[tuple[str, int], dict[str, str]] = {}
    for kind, pk, field, text in rows:
        found.setdefault((kind, pk), {})[field] = text
    for each in wanted:
        each.owner_texts = found.get((kind_of(each), each.pk), {})


def shown(thing: Any, field: str) -> str:
    """Return a field of an object in the language of the page, or the original."""
    texts: Mapping[str, str] = getattr(thing, "owner_texts", {})
    return texts.get(field) or str(getattr(thing, field))


def texts_in(language: str, model: type[Model], field: str, of: Iterable[int] | None = None) -> dict[int, str]:
    """Return the texts of one field in a language, by the number of the object: of some objects, or of all.

    One query; none in the language of the originals.
    """
    if is_original(language):
        return {}
    rows = OwnerText.objects.filter(language=language, object_type=kind_of(model), field=field)
    rows = rows if of is None else rows.filter(object_id__in=list(of))
    return dict(rows.values_list("object_id", "text"))


@transaction.atomic
def set_texts(thing: Model, texts: Mapping[tuple[str, str], str]) -> None:
    """Write texts of an object by field and language; an empty one deletes what was there."""
    for (field, language), text in texts.items():
        key = {"object_type": kind_of(thing), "object_id": thing.pk, "field": field, "language": language}
        if text:
            OwnerText.objects.update_or_create(**key, defaults={"text": text})
        else:
            OwnerText.objects.filter(**key).delete()


def texts_of(thing: Model, fields: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the texts of an object in all languages, by field and language."""
    rows = OwnerText.objects.filter(object_type=kind_of(thing), object_id=thing.pk, field__in=list(fields))
    return {(row.field, row.language): row.text for row in rows}
