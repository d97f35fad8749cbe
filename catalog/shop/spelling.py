"""Corrects a typo in the search box. Called only when nothing matches, since it reads all words of the list."""

from difflib import get_close_matches

from django.db import connection


def correct_words(words: list[str]) -> list[str]:
    """Replace each word that no service contains by the most similar one that some service does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT regexp_split_to_table(search_text, '[^[:alnum:]]+') FROM catalog_service WHERE is_visible"
        )
        vocabulary = [word for (word,) in cursor.fetchall() if len(word) > 2]
    corrected = []
    for word in words:
        is_known = any(word in known for known in vocabulary)
        similar = [] if is_known else get_close_matches(word, vocabulary, n=1, cutoff=0.7)
        corrected.append(similar[0] if similar else word)
    return corrected
