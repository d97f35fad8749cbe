"""Read the text of a mass order: one order a line, with a list such as comments in the lines under it.

`service | link | quantity | runs | interval`, with tabs or semicolons as well, as spreadsheets write them. Further
parts may be fields by name, such as `country=DE`.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from core.numbers import ascii_digits
from core.refusals import Refusal

MOST_LINES = 10_000
MOST_CHARACTERS = 1_000_000
#: Of a file: with as much in the box it stays below the 2 MB that a request may have.
MOST_BYTES = 1024 * 1024
PARTS = ("service", "link", "quantity", "runs", "interval")
_SEPARATORS = ("|", "\t", ";")
#: A service's number and the separator after it, which parts the whole line: others may be in a link or a comment.
_ORDER = re.compile(r"\s*#?\s*(\d{1,17})\s*([|\t;])")
_NAMED = re.compile(r"([a-z_]{3,20})\s*=\s*(.*)\Z", re.DOTALL)
_NEW_LINES = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class TooLong(Refusal):
    """The text has more orders or characters than are placed at a time."""

    code = "too_long"


class NotATable(Refusal):
    """The file cannot be read."""

    code = "not_a_table"


@dataclass(frozen=True)
class Line:
    """One order of the text: its first line's ``number``, counted from 1, and its ``text`` with the list under it.

    ``service`` is empty if it is no order at all. ``given`` holds the other parts by the provider API's names, and
    ``items`` the lines under it.
    """

    number: int
    text: str
    service: int | None = None
    given: dict[str, str] = field(default_factory=dict)
    items: tuple[str, ...] = ()

    def with_part(self, name: str, value: str) -> str:
        """Return the text with another link, quantity, number of runs or interval."""
        head, *under = self.text.split("\n")
        parts = _parts(head)
        place = PARTS.index(name)
        parts += [""] * (place + 1 - len(parts))
        parts[place] = value
        return "\n".join([_joined(parts), *under])


def read_lines(text: str) -> list[Line]:
    """Return the orders of a text. What is no order is returned as a line without a service. Raises TooLong."""
    text = tidy(text)
    if len(text) > MOST_CHARACTERS:
        words = {"most": f"{MOST_CHARACTERS:,}", "count": f"{len(text):,}"}
        raise TooLong(_("These are %(count)s characters, and at most %(most)s are taken at a time.") % words)
    blocks: list[tuple[int, list[str]]] = []
    is_open = False
    for number, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            is_open = False
        elif is_open and not _ORDER.match(ascii_digits(raw)):
            blocks[-1][1].append(raw)
        elif not (number == 1 and _is_heading(raw)):
            blocks.append((number, [raw]))
            is_open = bool(_ORDER.match(ascii_digits(raw)))
    if len(blocks) > MOST_LINES:
        words = {"most": f"{MOST_LINES:,}", "count": f"{len(blocks):,}"}
        raise TooLong(_("These are %(count)s orders, and at most %(most)s are placed at a time.") % words)
    return [_line(number, block) for number, block in blocks]


def tidy(text: str) -> str:
    """Return the text with plain line ends, and without what the database cannot store."""
    return _NEW_LINES.sub("\n", text.replace("\0", "")).encode("utf-8", "replace").decode().strip("\n")


def text_of(lines: Iterable[Line]) -> str:
    """Return lines as one text again, with an empty line after each list and before what is no order."""
    return "\n".join(_parted(f"{line.text}\n" if line.items else line.text for line in lines)).rstrip("\n")


def corrected(text: str, changes: Sequence[tuple[int, str, str]]) -> str:
    """Return the text with lines replaced: each change has a number, the line as it was, and what it is now.

    A line that has moved is found by what it was. One that is gone is added at the end, so that nothing typed is lost.
    """
    changes = [(number, tidy(was), tidy(now)) for number, was, now in changes]
    changes = [change for change in changes if change[1] != change[2]]
    if not changes:
        return text
    lines = {line.number: line.text for line in read_lines(text)}
    by_text: dict[str, int] = {}
    for number, found in lines.items():
        by_text.setdefault(found, number)
    is_known = set(lines)
    for number, was, now in changes:
        place = number if lines.get(number) == was else by_text.get(was)
        if place is None or place not in is_known:
            place = max(lines, default=0) + 1
        lines[place] = now
    texts = (found for _number, found in sorted(lines.items()) if found.strip())
    return "\n".join(_parted(f"{found}\n" if "\n" in found else found for found in texts))


def joined(*texts: str) -> str:
    """Return texts of several lines as one, each after the other."""
    return "\n".join(_parted(filter(None, texts)))


def _parted(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts of lines, with an empty line before what is no order: it would belong to the order above it."""
    is_first = True
    for text in texts:
        yield text if is_first or _ORDER.match(ascii_digits(text)) else f"\n{text}"
        is_first = False


def table_to_text(content: bytes) -> str:
    """Return the orders of a CSV file as a text for :func:`read_lines`. Raises NotATable."""
    if len(content) > MOST_BYTES:
        words = {"most": MOST_BYTES // 1024 // 1024}
        raise NotATable(_("The file is larger than %(most)s MB. Split it.") % words)
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise NotATable(_("The file is no text. Save the table as CSV in UTF-8."))
    first = text.lstrip().partition("\n")[0]
    delimiter = max((";", ",", "\t", "|"), key=first.count)
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(map(str.strip, row))
        ]
    except csv.Error as problem:
        raise NotATable(_("The file is not a table that can be read. Save it as CSV.")) from problem
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    is_headed = "service" in names and "link" in names
    return "\n".join(_parted(_row_as_text(row, names if is_headed else list(PARTS)) for row in rows[is_headed:]))


def _row_as_text(row: list[str], names: list[str]) -> str:
    """Return one row as a line; a cell with several lines becomes the list under it."""
    cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
    parts = [" ".join(cells.pop(name, "").split()) for name in PARTS]
    while parts and not parts[-1]:
        parts.pop()
    under = [item for name, cell in cells.items() if name in _LISTS for item in cell.splitlines() if item.strip()]
    parts += [f"{name}={' '.join(cell.split())}" for name, cell in cells.items() if cell and name not in _LISTS]
    parts += [" ".join(cell.split()) for cell in row[len(names) :] if cell.strip()]
    head = _joined(parts)
    return "\n".join([head, *under, ""]) if under else head


_LISTS = ("comments", "usernames", "hashtags", "groups", "keywords")


def _parts(head: str) -> list[str]:
    """Return the parts of a line, the number of its service first if it is an order."""
    if order := _ORDER.match(ascii_digits(head)):
        rest = head[order.end() :].rstrip().split(order[2])
        return [head[: order.start(2)].strip(), *(part.strip() for part in rest)]
    separator = next((s for s in _SEPARATORS if s in head), "|")
    return [part.strip() for part in head.strip().split(separator)]


def _joined(parts: Sequence[str]) -> str:
    """Return parts as one line, which is read as these parts again: no part has all the separators in it."""
    separator = next((s for s in _SEPARATORS if not any(s in part for part in parts)), "|")
    return (" | " if separator == "|" else separator).join(parts)


def _is_heading(raw: str) -> bool:
    return {"service", "link"} <= {part.lower() for part in _parts(raw)}


def _line(number: int, block: list[str]) -> Line:
    text = "\n".join(block)
    order = _ORDER.match(ascii_digits(block[0]))
    if order is None:
        return Line(number, text)
    _number, *parts = _parts(block[0])
    given: dict[str, str] = {}
    plain = []
    for place, part in enumerate(parts):
        if place > 0 and (named := _NAMED.match(part)):
            given[named[1]] = named[2].strip()
        else:
            plain.append(part)
    given |= dict(zip(PARTS[1:], plain, strict=False))
    if len(plain) >= len(PARTS) and any(plain[len(PARTS) - 1 :]):
        given["too many"] = "1"
    return Line(number, text, int(order[1]), given, tuple(block[1:]))
