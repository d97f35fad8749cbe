"""Forgives a typo in the search box. Asked only when nothing matches, because it reads the list's whole vocabulary."""

from difflib import get_close_matches

from django.db import connection


def correct_words(words: list[str]) -> list[str]:
    """Each word that no service holds, replaced by the nearest one that some service does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT regexp_split_to_table(search_text, '[^[:alnum:]]+') FROM catalog_service WHERE is_visible"
        )
        vocabulary = [word for (word,) in cursor.fetchall() if len(word) > 2]
    return [word if any(word in v for v in vocabulary) else _nearest(word, vocabulary) for word in words]


def _nearest(word: str, vocabulary: list[str]) -> str:
    near = get_close_matches(word, vocabulary, n=1, cutoff=0.7)
    return near[0] if near else word
