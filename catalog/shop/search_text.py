"""Text folded to one spelling, for the search box and for what it searches."""

import unicodedata
from functools import lru_cache

from core.numbers import ascii_digits

#: Letters that have no accent to drop, and that people without such a keyboard write so.
_PLAIN_LETTERS = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d"})


def fold(text: str) -> str:
    """Return one spelling for searching: 𝐁𝐨𝐥𝐝 and full width unified, accents and case dropped, single spaces.

    Marks that nobody sees are dropped too, or a blank of no width would part a word.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in plain if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    return " ".join(ascii_digits(kept.translate(_PLAIN_LETTERS)).split())


_folded = lru_cache(maxsize=16_384)(fold)


def searchable(text: str) -> str:
    """Return ``text`` as :func:`fold` does, word by word: the words of a price list repeat thousands of times."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(folded for word in text.split() if (folded := _folded(word)))
