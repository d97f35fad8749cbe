"""Makes provider text safe to store and show: bounded, without characters that change the text around them.

Names and categories are plain text, escaped when shown, and without the markup and entities that some panels write into
them. A description may hold a little formatting and is stored as clean HTML.
"""

import html
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
# Elements that stand on lines of their own; without them their words would be glued together.
_LINES = re.compile(
    r"</?(?:h[1-6]|div|section|article|header|footer|table|tr|blockquote|dl|dt|dd|center|pre|hr)\b[^<>]*>",
    re.IGNORECASE,
)
_CELLS = re.compile(r"</?(?:td|th)\b[^<>]*>", re.IGNORECASE)
# Begins where a run of white space begins, and gives nothing back: it is read once, however long the run is.
_BREAKS = re.compile(r"(?<!\s)\s*+<br>(?:\s*+<br>)*+\s*+")
# What is written in angle brackets and is no element is meant to be read: "Link: <channel>/<post>".
_PLACEHOLDER = re.compile(r"<(/?[A-Za-z][\w .-]{0,40})>")
_ELEMENTS = nh3.ALLOWED_TAGS | {
    "script", "style", "iframe", "object", "embed", "form", "input", "button", "select", "option", "textarea", "label",
    "svg", "math", "video", "audio", "source", "font", "center", "section", "header", "footer", "main", "link", "meta",
    "base", "html", "head", "body", "title", "template", "noscript", "frame", "frameset", "marquee", "big", "applet",
}  # fmt: skip
# An entity with its semicolon: "R&D" and "&copy" in a name are meant as they stand.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?:\s[^<>]*)?/?>")
#: Elements that only format a name: those within a line, whose text may be part of a word, and those that stand alone.
#: Others stay as text.
_WITHIN_A_LINE = {
    "a", "abbr", "b", "big", "bdi", "bdo", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup",
    "u",
}  # fmt: skip
_ALONE = {
    "br", "center", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "nobr", "ol", "p", "table", "tbody",
    "td", "th", "tr", "ul", "wbr",
}  # fmt: skip
# Blank of no width, soft hyphen and similar marks. Joiners stay, which emoji and some scripts are written with.
_NO_WIDTH = re.compile("[\u00ad\u180e\u200b\u2060-\u2064\ufeff]")
_EDGE_MARKS = "\u200c\u200d\u200e\u200f\u061c"
_ESCAPED_ELEMENT = re.compile(
    r"&lt;/?(?:b|strong|i|em|u|br|p|ul|ol|li|div|span|h[1-6])(?:\s[^<>&]*)?/?&gt;", re.IGNORECASE
)
#: How often a name may have been escaped: "&amp;lt;b&amp;gt;" is a bold "b" that was escaped twice.
_MOST_ESCAPES = 3
_cleaner = nh3.Cleaner(tags=_FORMATTING, attributes={}, link_rel=None, strip_comments=True)


def plain(text: str, limit: int) -> str:
    """Return the text without unsafe characters, stripped, at most ``limit`` characters long."""
    if text.isascii() and text.isprintable():
        return text[:limit].strip()
    return _UNWANTED.sub("", text[: limit * 2]).strip()[:limit].strip()


def is_visible(text: str) -> bool:
    """Whether any character is visible: some texts consist of marks and blanks alone."""
    if text.isascii():
        return bool(text.strip())
    return any(unicodedata.category(c)[0] not in "CZM" for c in text)


def one_line(text: str, limit: int) -> str:
    """Return :func:`plain` text with each run of white space as one blank, for names, headings and mail subjects."""
    return " ".join(plain(text, limit).split())


@lru_cache(maxsize=2048)
def readable(text: str, limit: int) -> str:
    """Return a name as a person reads it: one line, without markup, entities and marks that nobody sees.

    "<3" and "<channel>" are no markup and stay.
    """
    if text.isascii() and text.isprintable() and not _MARKUP.search(text):
        return " ".join(text[:limit].split())
    for _escape in range(_MOST_ESCAPES):
        before = text
        if "<" in text:
            text = _TAG.sub(_without_element, text)
        if "&" in text:
            text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        if text == before:
            break
    text = _NO_WIDTH.sub("", one_line(text, limit * 2))
    return one_line(text.strip(_EDGE_MARKS + " "), limit)


def _without_element(found: re.Match[str]) -> str:
    name = found[2].lower()
    if name in _WITHIN_A_LINE:
        return ""
    return " " if name in _ALONE else found[0]


# The services of a list share a few descriptions, and cleaning one takes longer than reading the rest of the row.
@lru_cache(maxsize=512)
def description_html(text: str) -> str:
    """Return safe HTML: bold, italics, lists and line breaks stay, all other markup is escaped or removed."""
    text = plain(text, DESCRIPTION_LIMIT).replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        return ""
    if not _MARKUP.search(text):
        return text.replace("\n", "<br>\n")
    if not _TAG.search(text) and _ESCAPED_ELEMENT.search(text):
        # The whole text was escaped once more than it should be; it is cleaned below like any other.
        text = html.unescape(text)
    marked = _PLACEHOLDER.sub(_escaped_unless_element, text)
    has_lines = bool(_LINES.search(marked) or _CELLS.search(marked))
    if has_lines:
        marked = _BREAKS.sub("<br>", _CELLS.sub(" ", _LINES.sub("<br>", marked)))
    cleaned: str = _cleaner.clean(marked)
    if has_lines:
        return _BREAKS.sub("<br>", cleaned).removeprefix("<br>").removesuffix("<br>")
    return cleaned if _BLOCKS.search(marked) else cleaned.replace("\n", "<br>\n")


def _escaped_unless_element(match: re.Match[str]) -> str:
    name = match[1].strip("/ ").split(" ")[0].lower()
    return match[0] if name in _ELEMENTS else f"&lt;{match[1]}&gt;"
