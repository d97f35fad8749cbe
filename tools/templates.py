"""Check how templates are laid out: no line over 120 characters, one block element a line.

A line that opens or closes a block element holds no other one: ``<li><a>…</a></li>`` is fine, ``<ul><li>…`` is not.
What djlint and djade check is not repeated here.
"""

import re
import sys
from pathlib import Path

MAX_LENGTH = 120
BLOCK_ELEMENTS = (
    "article|aside|blockquote|body|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head"
    "|header|hr|html|legend|li|main|nav|ol|option|p|pre|search|section|summary|table|tbody|td|template|tfoot|th|thead|tr|ul"
)
OPENING = re.compile(rf"<({BLOCK_ELEMENTS})(?![\w-])")
CLOSING = re.compile(rf"</({BLOCK_ELEMENTS})>")


def faults(path: Path) -> list[str]:
    """Each fault of one template as "file:line: what is wrong and what to do"."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if len(line) > MAX_LENGTH:
            found.append(f"{path}:{number}: {len(line)} characters: break it into lines of at most {MAX_LENGTH}")
        opened, closed = OPENING.findall(line), CLOSING.findall(line)
        if len(opened) > 1 or len(closed) > 1 or (opened and closed and opened != closed):
            names = ", ".join(f"<{name}>" for name in opened or closed)
            found.append(f"{path}:{number}: several block elements ({names}): put each on a line of its own")
    return found


def main(paths: list[str]) -> int:
    found = [fault for path in paths for fault in faults(Path(path))]
    print("\n".join(found) if found else f"{len(paths)} templates: nothing to complain about")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
