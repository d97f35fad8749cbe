"""Text for spreadsheets, which run what looks like a formula."""

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """The same text, with an apostrophe before it where a spreadsheet would otherwise compute it."""
    return f"'{text}" if text.lstrip(" ").startswith(_RUNS) else text
