"""Texts of refusals in no error table, kept for the owner, who gives them a meaning in the provider's table."""

from datetime import datetime

from django.db import connection, transaction

from catalog.models import Provider, UnlistedText
from catalog.providers.health import UNKNOWN_TEXT, unpark
from upstream.error_table import normalised

_NOTE = """
    INSERT INTO catalog_unlistedtext (provider_id, text, times, first_at, last_at, meaning, decided_by)
    VALUES (%(provider)s, %(text)s, 1, %(now)s, %(now)s, '', '')
    ON CONFLICT (provider_id, text)
    DO UPDATE SET times = catalog_unlistedtext.times + 1, last_at = excluded.last_at
"""


def note_unlisted(provider_id: int, text: str, *, now: datetime) -> None:
    """Count the text of a refusal, kept once per provider in lower case with single spaces."""
    words = normalised(text)[:500]
    if words:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, {"provider": provider_id, "text": words, "now": now})


def give_meaning(unlisted: UnlistedText, meaning: str, *, actor: str, now: datetime) -> None:
    """Map the provider's text to ``meaning``, an error class, in its error table; an empty meaning removes the entry.

    A provider parked because of an unknown text is unparked: the orders it refused are tried once more.
    """
    with transaction.atomic():
        provider = Provider.objects.select_for_update(no_key=True).get(pk=unlisted.provider_id)
        table = {text: named for text, named in provider.dialect.get("error_map", {}).items() if text != unlisted.text}
        if meaning:
            table[unlisted.text] = meaning
        Provider.objects.filter(pk=provider.pk).update(dialect={**provider.dialect, "error_map": table})
        UnlistedText.objects.filter(pk=unlisted.pk).update(meaning=meaning, decided_by=actor[:254])
    if meaning and provider.parked_reason == UNKNOWN_TEXT:
        unpark(provider.pk, now=now, actor=actor)
