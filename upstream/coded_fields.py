"""Fields of an order that take codes, and which codes a row of a list names for them, in data or in its description.

The documented contract knows no such list. Panels of this convention name the codes in prose ("1: Desktop, 2: Mobile").
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping
from typing import Any

#: Coded fields of `web_traffic`, with the names under which a row may list their codes.
CODED_FIELDS: Mapping[str, tuple[str, ...]] = {
    "country": ("country", "countries", "geo", "geos"),
    "device": ("device", "devices"),
    "type_of_traffic": ("type_of_traffic", "types_of_traffic", "traffic_type", "traffic_types", "source", "sources"),
}
_TYPE = "web_traffic"
_MOST_CODES, _LONGEST_CODE, _LONGEST_LABEL, _LONGEST_TEXT = 400, 50, 60, 20_000

_HEADS = {
    "country": r"countr(?:y|ies)|geos?\b",
    "device": r"devices?\b",
    "type_of_traffic": r"types? of traffic|traffic (?:types?|sources?)|sources?\b|referr?ers?\b",
}
_HEAD = re.compile("|".join(rf"(?P<{name}>\b(?:{words}))" for name, words in _HEADS.items()), re.IGNORECASE)
#: Labels that say by themselves what they are a choice of.
_TELLING = {
    "device": re.compile(r"desktop|mobile|android|\bios\b|computer|phone", re.IGNORECASE),
    "type_of_traffic": re.compile(r"google|keyword|referr|organic|direct|search|social", re.IGNORECASE),
}
_BLOCK = re.compile(r"<\s*/?\s*(?:br|p|div|li|ul|ol|tr|h[1-6])\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,500}>")
# A number of one or two digits that a label follows: "1 is", "2:", "3 =", "4)", "5 direct"; not a part of 1-5 or 1.5.
_NUMBER = re.compile(
    r"(?<![\w.,/–-])(\d{1,2})(?:\s*(?:[:=)]|->|=>|→|[.–-](?=\s))|\s+is\b|(?=\s+[^\W\d_]))\s*", re.ASCII
)
_ENDS = re.compile(r"\n|;|\||\.(?:\s|$)|,(?![^(]*\))")
_FILLER = re.compile(r"^(?:is|an?|the|for)\s+", re.IGNORECASE)
_LETTERS = re.compile(r"(?<![A-Za-z])([A-Z]{2})\s*(?:[:=–-]|->|=>|→)\s*([^\W\d_][^\n,;|.]{1,40})")
_BARE_LETTERS = re.compile(r"^[\s:=(–-]*([A-Z]{2}(?:\s*[,/|]\s*[A-Z]{2}\b)+)")


def codes_of(
    type_name: str, row: Mapping[str, Any], description: str, countries: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return the codes that a row names, by field: {"device": {"1": "Desktop"}}; nothing where none are known.

    `type_name` is our name of the type. A label is the provider's own text: hostile until escaped, bounded. The row's
    data counts before its description, in which pairs of capital letters are codes only if they are in `countries`.
    """
    if type_name != _TYPE:
        return {}
    found: dict[str, dict[str, str]] = {}
    lower = {str(key).lower(): value for key, value in row.items()}
    text = _plain(description)
    for name, keys in CODED_FIELDS.items():
        codes = next((codes for key in keys if (codes := _listed(lower.get(key)))), None) or _described(
            name, text, countries
        )
        if codes:
            found[name] = codes
    return found


def _listed(value: Any) -> dict[str, str]:
    """The codes in an object of codes and labels, or in a list of codes or of objects; none in anything else."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict):
                code = next((entry[key] for key in ("id", "code", "value", "key") if key in entry), None)
                label = next((entry[key] for key in ("name", "label", "title", "text") if key in entry), code)
                pairs.append((code, label))
            else:
                pairs.append((entry, entry))
    codes = {
        str(code).strip(): str(label).strip()[:_LONGEST_LABEL]
        for code, label in pairs
        if isinstance(code, str | int) and not isinstance(code, bool) and isinstance(label, str | int)
    }
    is_sane = len(codes) >= 2 and len(codes) <= _MOST_CODES and all(0 < len(code) <= _LONGEST_CODE for code in codes)
    return codes if is_sane else {}


def _described(name: str, text: str, countries: Collection[str]) -> dict[str, str]:
    """The codes that the text gives after a word for the field, up to a word for another one.

    Without such a word anywhere, codes count that can be of no other field.
    """
    heads = list(_HEAD.finditer(text))
    for place, head in enumerate(heads):
        if head.lastgroup == name:
            end = next((other.start() for other in heads[place + 1 :] if other.lastgroup != name), len(text))
            part = text[head.end() : min(end, head.end() + 2_000)]
            if codes := _numbered(part) or (_lettered(part, countries) if name == "country" else {}):
                return codes
    if name == "country":
        return _lettered(text, countries)
    if any(head.lastgroup == name for head in heads):
        return {}
    codes = _numbered(text)
    return codes if any(_TELLING[name].search(label) for label in codes.values()) else {}


def _numbered(part: str) -> dict[str, str]:
    """Codes that count on from 0 or 1, each with a label."""
    marks = list(_NUMBER.finditer(part))
    for start, first in enumerate(marks):
        if int(first[1]) <= 1 and len(codes := _counted(part, marks[start:])) >= 2:
            return codes
    return {}


def _counted(part: str, marks: list[re.Match[str]]) -> dict[str, str]:
    """The codes from the first of ``marks`` on, as long as each number is the next and a label follows it."""
    codes: dict[str, str] = {}
    for place, mark in enumerate(marks):
        if place and int(mark[1]) != int(marks[place - 1][1]) + 1:
            break
        label = part[mark.end() : marks[place + 1].start() if place + 1 < len(marks) else len(part)]
        label = _ENDS.split(label, maxsplit=1)[0].strip(" \t-–:=.,")
        label = _FILLER.sub("", _FILLER.sub("", label))
        if not any(c.isalpha() for c in label) or len(label) > _LONGEST_LABEL:
            break
        codes[mark[1]] = label
    return codes


def _lettered(part: str, countries: Collection[str]) -> dict[str, str]:
    """Codes of countries, each with a label, or as a bare list after the word."""
    codes = {code: label.strip() for code, label in _LETTERS.findall(part) if code in countries}
    if len(codes) < 2 and (bare := _BARE_LETTERS.match(part)):
        codes = {code: code for code in re.findall(r"[A-Z]{2}", bare[1]) if code in countries}
    return codes if 2 <= len(codes) <= _MOST_CODES else {}


def _plain(description: str) -> str:
    """The text without markup; what stood in blocks of its own stands on lines of its own."""
    text = _BLOCK.sub("\n", description[:_LONGEST_TEXT])
    return html.unescape(_TAG.sub("", text))
