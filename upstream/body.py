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
class ParsedBody:
    """`problem` is empty and `value` holds the answer, or `problem` says in one word why nothing can be read.

    `noise` marks an answer behind PHP notices. `fragments` are the complete JSON values found in a spoiled body.
    """

    value: Any = None
    problem: str = ""
    noise: bool = False
    fragments: tuple[Any, ...] = ()


def read_body(exchange: Exchange) -> ParsedBody:
    """Parse the body. Problems: `incomplete`, `too_large`, `not_text`, `empty`, `not_json`."""
    # 1. The bytes as text, without our key in it.
    body = exchange.body
    if len(exchange.secret) >= _KEY_LENGTH_WORTH_REPLACING:
        body = spelled_in_bytes(exchange.secret).sub(KEY_MARK.encode(), body)
    text = _decoded(body, exchange.content_type)

    # 2. Only a complete body can be an answer.
    problem = ""
    if not exchange.complete:
        problem = "too_large" if exchange.stop == "too_large" else "incomplete"
    if text is None:
        return ParsedBody(problem=problem or "not_text")
    if problem:
        return ParsedBody(problem=problem, fragments=_complete_values(text))
    if not text:
        return ParsedBody(problem="empty")

    # 3. JSON as it stands, or JSON behind PHP's notices.
    try:
        return ParsedBody(parse(text))
    except ValueError:
        pass  # Notices may precede the JSON.
    position = 0
    while found := _PHP_NOTICE.match(text, position):
        position = found.end()
    if position:
        try:
            return ParsedBody(parse(text[position:]), noise=True)
        except ValueError:
            pass  # A fatal error or something else follows the notices: unreadable.
    return ParsedBody(problem="not_json", noise=bool(position), fragments=_complete_values(text))


def _decoded(body: bytes, content_type: str) -> str | None:
    """Return the body as text, by its byte order mark, the announced charset or UTF-8; None if that fails."""
    charset = "utf-8"
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    elif (announced := _CHARSET.search(content_type)) and _TEXT_CODECS.fullmatch(announced[1]):
        charset = announced[1]
    try:
        return body.decode(charset).strip()
    except (UnicodeError, LookupError):
        return None


def _complete_values(text: str) -> tuple[Any, ...]:
    """Return the complete objects and lists in a body that cannot be read as a whole; half a value is no value."""
    found: list[Any] = []
    position = 0
    for _ in range(_MOST_OBJECTS_TRIED):
        openings = [index for sign in "{[" if (index := text.find(sign, position)) >= 0]
        if not openings:
            break
        try:
            value, position = parse_start(text, min(openings))
        except ValueError:
            position = min(openings) + 1
        else:
            found.append(value)
    return tuple(found)
