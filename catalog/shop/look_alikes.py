"""Whether two headings look the same to a person: providers write one category in several ways."""

import unicodedata
from functools import lru_cache

#: Cyrillic and Greek letters that look like a Latin one, as small or as capital letters.
_LETTERS = str.maketrans(
    {
        "а": "a", "в": "b", "е": "e", "һ": "h", "н": "h", "і": "i", "ј": "j", "к": "k", "м": "m", "о": "o", "р": "p",
        "ѕ": "s", "т": "t", "с": "c", "ԁ": "d", "у": "y", "х": "x", "ӏ": "l",
        "α": "a", "ε": "e", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t", "υ": "u", "χ": "x",
    }
)  # fmt: skip


@lru_cache(maxsize=8192)
def look_of(name: str) -> str:
    """Return the same text for names that look the same.

    They may differ in case, in marks that nobody sees, in letters of other scripts with the same look, in 𝐁𝐨𝐥𝐝 letters,
    and in how emoji are drawn. Other emoji, signs and accents make another heading: they may mean a country or a
    guarantee.
    """
    # "İ" becomes an i with a dot of its own.
    small = unicodedata.normalize("NFKC", name).casefold().replace("i\u0307", "i").replace("ı", "i")
    seen = "".join(c for c in small if unicodedata.category(c) not in ("Cf", "Cc") and not "\ufe00" <= c <= "\ufe0f")
    return " ".join(unicodedata.normalize("NFC", seen).translate(_LETTERS).split())
