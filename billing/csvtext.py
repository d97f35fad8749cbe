"""Text for spreadsheets, which run what looks like a formula."""

import re

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
#: Where a spreadsheet whose list separator is not the comma would begin a cell of its own, although none begins there.
_INNER = re.compile(r"([;\t\r\n][ \"]*)(?=[=+\-@])")


def harmless(text: str) -> str:
    """The same text, with an apostrophe before it where a spreadsheet would otherwise compute it.

    Also inside of it: after a semicolon or tab, at which many countries' spreadsheets part the cells of a file.
    """
    text = _INNER.sub(r"\1'", text)
    return f"'{text}" if text.lstrip(" ").startswith(_RUNS) else text
