"""From bytes to one JSON value, or to the reason why there is none. The same rules for every action."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from upstream.exchange import KEY_MARK, Exchange
from upstream.spellings import spelled_in_bytes
from upstream.strict_json import parse, parse_start

_BOM = b"\xef\xbb\xbf"
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
# Codecs that only decode text. Python knows others (punycode, unicode_escape) that a peer must not choose.
_TEXT_CODECS = re.compile(
    r"utf-?8|us-ascii|ascii|latin-?1|iso-8859-\d{1,2}|windows-125\d|cp125\d|koi8-[ru]|gbk|gb2312|gb18030|big5"
    r"|euc-jp|euc-kr|shift_jis|utf-16(le|be)?",
    re.IGNORECASE,
)
_PHP_NOTICE = re.compile(
    r"\s*(?:<br\s*/?>\s*)?(?:<b>)?(?:PHP\s+)?(?:Notice|Warning|Deprecated)(?:</b>)?\s*:"
    r"[^\n]*?\bon line\s+(?:<b>)?\d+(?:</b>)?(?:\s*<br\s*/?>)?\s*"
)
# Shorter keys could occur in any answer by chance, and replacing them would change what the answer says.
_KEY_LENGTH_WORTH_REPLACING = 8
_MOST_OBJECTS_TRIED = 50


@dataclass(frozen=True)
class Reading:
    """`problem` is empty and `value` holds the answer, or `problem` says in a word why nothing can be read.

    `noise` marks an answer behind PHP notices. `heard` holds complete JSON values found in a spoiled body.
    """

    value: Any = None
    problem: str = ""
    noise: bool = False
    heard: tuple[Any, ...] = ()


def read_body(exchange: Exchange) -> Reading:
    """Problems: `incomplete`, `too_large`, `not_text`, `empty`, `not_json`."""
    text = _decoded(_without_key(exchange), exchange.content_type)
    if text is None:
        return Reading(problem=_spoiled(exchange) or "not_text")
    if problem := _spoiled(exchange):
        return Reading(problem=problem, heard=_complete_values(text))
    if not text:
        return Reading(problem="empty")
    return _parsed(text)


def _spoiled(exchange: Exchange) -> str:
    if exchange.complete:
        return ""
    return "too_large" if exchange.stop == "too_large" else "incomplete"


def _without_key(exchange: Exchange) -> bytes:
    if len(exchange.secret) < _KEY_LENGTH_WORTH_REPLACING:
        return exchange.body
    return spelled_in_bytes(exchange.secret).sub(KEY_MARK.encode(), exchange.body)


def _decoded(body: bytes, content_type: str) -> str | None:
    charset = "utf-8"
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    elif (announced := _CHARSET.search(content_type)) and _TEXT_CODECS.fullmatch(announced[1]):
        charset = announced[1]
    try:
        return body.decode(charset).strip()
    except (UnicodeError, LookupError):
        return None


def _parsed(text: str) -> Reading:
    try:
        return Reading(parse(text))
    except ValueError:
        pass  # Not JSON as it stands; it may still be JSON behind PHP's notices.
    position = _end_of_notices(text)
    if position:
        try:
            return Reading(parse(text[position:]), noise=True)
        except ValueError:
            pass  # A fatal error or something else follows the notices: unreadable.
    return Reading(problem="not_json", noise=bool(position), heard=_complete_values(text))


def _end_of_notices(text: str) -> int:
    position = 0
    while found := _PHP_NOTICE.match(text, position):
        position = found.end()
    return position


def _complete_values(text: str) -> tuple[Any, ...]:
    """Complete objects and lists in a body that as a whole cannot be read; half a value is no value."""
    found: list[Any] = []
    position = tried = 0
    while tried < _MOST_OBJECTS_TRIED and (opening := _next_opening(text, position)) >= 0:
        tried += 1
        try:
            value, position = parse_start(text, opening)
        except ValueError:
            position = opening + 1
        else:
            found.append(value)
    return tuple(found)


def _next_opening(text: str, position: int) -> int:
    places = [place for sign in "{[" if (place := text.find(sign, position)) >= 0]
    return min(places, default=-1)
