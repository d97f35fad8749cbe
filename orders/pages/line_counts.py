"""What stands in a field that takes one entry a line: how many lines count, and which are empty or the same."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.templatetags.shop import num

#: Fields in which case and a leading @ or # make no difference.
_NAMES = frozenset({"usernames", "hashtags", "groups"})
#: So many lines are named one by one.
_NAMED = 3
#: A longer text is not sent a second time for the button that cleans it.
_LONGEST_CLEANED = 20_000


@dataclass(frozen=True)
class LineCount:
    """``doubles`` pairs a line with the first that is the same; ``empty`` are lines between others. Both count from 1.

    ``cleaned`` is the text without both; empty if nothing is to be cleaned, or the text is long.
    """

    count: int
    doubles: list[tuple[int, int]]
    empty: list[int]
    cleaned: str

    @property
    def text(self) -> str:
        """How many lines count."""
        return ngettext("%(n)s line", "%(n)s lines", self.count) % {"n": num(self.count)}

    @property
    def notes(self) -> list[str]:
        """Which lines are doubles, and which do not count."""
        said = [
            _("Line %(line)s is the same as line %(first)s.") % {"line": num(line), "first": num(first)}
            for line, first in self.doubles[:_NAMED]
        ]
        if more := len(self.doubles) - len(said):
            text = ngettext(
                "%(n)s more line is the same as an earlier one.", "%(n)s more lines are the same as earlier ones.", more
            )
            said.append(text % {"n": num(more)})
        if 0 < len(self.empty) <= _NAMED:
            text = ngettext(
                "The empty line %(lines)s does not count.",
                "The empty lines %(lines)s do not count.",
                len(self.empty),
            )
            said.append(text % {"lines": ", ".join(map(num, self.empty))})
        elif self.empty:
            said.append(_("%(n)s empty lines do not count.") % {"n": num(len(self.empty))})
        return said


def count_lines(name: str, text: str) -> LineCount:
    """Count the lines of the field ``name``, as an order counts them."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").rstrip().split("\n")]
    first_of: dict[str, int] = {}
    doubles, empty, kept = [], [], []
    for n, line in enumerate(lines, start=1):
        key = line.casefold().lstrip("@#") if name in _NAMES else line
        if not line:
            empty.append(n)
        elif key in first_of:
            doubles.append((n, first_of[key]))
        else:
            first_of[key] = n
            kept.append(line)
    is_clean = not (doubles or empty)
    cleaned = "" if is_clean or len(text) > _LONGEST_CLEANED else "\n".join(kept)
    return LineCount(len(lines) - len(empty), doubles, empty, cleaned)
