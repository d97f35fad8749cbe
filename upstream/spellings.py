"""Finding a secret in an answer, however the layers of a panel have encoded it: for a URL, in JSON, in HTML."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from html.entities import html5

#: Character -> its names in HTML, the longest first: with and without the semicolon.
_NAMES: dict[str, list[str]] = {}
for _name, _value in sorted(html5.items(), key=lambda entity: -len(entity[0])):
    _NAMES.setdefault(_value, []).append(_name)
#: What PHP makes of a slash in JSON, and forms of a blank in a URL.
_OWN_FORMS = {"/": (r"\\/",), " ": (r"\+",)}


@lru_cache(maxsize=64)
def spelled(secret: str) -> re.Pattern[str]:
    """Return a pattern of the secret with each character in any spelling. The secret must not be empty."""
    return re.compile("".join(map(_any_spelling, secret)))


@lru_cache(maxsize=64)
def spelled_in_bytes(secret: str) -> re.Pattern[bytes]:
    """Return the same pattern for a body that was not decoded yet."""
    return re.compile(spelled(secret).pattern.encode("utf-8", "replace"))


def _any_spelling(character: str) -> str:
    """Return alternatives of bounded length, without nested repeats: the search stays linear in the answer."""
    code = ord(character)
    encoded = character.encode("utf-16-be", "replace")
    utf_16_units = [int.from_bytes(encoded[start : start + 2]) for start in range(0, len(encoded), 2)]
    forms = [
        "".join(f"%{_hex(byte)}" for byte in character.encode("utf-8", "replace")),
        "".join(rf"\\u{_hex(unit >> 8)}{_hex(unit & 255)}" for unit in utf_16_units),
        f"&#0{{0,6}}{code};?",
        f"&#[xX]0{{0,6}}{_any_case(f'{code:x}')};?",
        *(re.escape(f"&{name}") for name in _NAMES.get(character, ())),
        *_OWN_FORMS.get(character, ()),
        re.escape(json.dumps(character)[1:-1]),
        re.escape(character),
    ]
    return f"(?:{'|'.join(dict.fromkeys(forms))})"


def _hex(byte: int) -> str:
    return _any_case(f"{byte:02x}")


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)
