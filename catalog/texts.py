"""Provider text made fit to store and show: bounded, without characters that rewrite the page around them.

Names and categories stay text and are escaped by whoever shows them. A description may hold a little formatting and is
stored as clean HTML.
"""

import re
import unicodedata
from functools import lru_cache

import nh3

NAME_LIMIT = 500
CATEGORY_LIMIT = 200
DESCRIPTION_LIMIT = 10_000

# C0 controls but tab and line ends, DEL, lone surrogates, and the marks that embed, override or isolate a direction.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_MARKUP = re.compile("[<>&\xa0]")
_FORMATTING = {"b", "strong", "i", "em", "u", "br", "p", "ul", "ol", "li"}
_BLOCKS = re.compile(r"<(br|p|ul|ol|li)\b", re.IGNORECASE)
_cleaner = nh3.Cleaner(tags=_FORMATTING, attributes={}, link_rel=None, strip_comments=True)


def plain(text: str, limit: int) -> str:
    """The text as received, without what a database or a page cannot bear, at most ``limit`` characters."""
    if text.isascii() and text.isprintable():
        return text[:limit].strip()
    return _UNWANTED.sub("", text[: limit * 2]).strip()[:limit].strip()


def is_visible(text: str) -> bool:
    """Whether anything of it can be seen: there are texts of nothing but marks and blanks."""
    return text.isascii() or any(unicodedata.category(c)[0] not in "CZM" for c in text)


def one_line(text: str, limit: int) -> str:
    """The same with every run of blanks and line ends as one blank: for names, headings and subjects of mails."""
    return " ".join(plain(text, limit).split())


# The services of a list share a few descriptions, and cleaning one takes longer than reading the rest of its row.
@lru_cache(maxsize=512)
def description_html(text: str) -> str:
    """Safe HTML of a description: bold, italics, lists and line breaks survive, everything else is text or gone."""
    text = plain(text, DESCRIPTION_LIMIT).replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        return ""
    is_formatted = bool(_BLOCKS.search(text))
    cleaned = _cleaner.clean(text) if _MARKUP.search(text) else text
    return cleaned if is_formatted else cleaned.replace("\n", "<br>\n")
