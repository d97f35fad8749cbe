"""What customers paste around an address without meaning it: marks nobody sees, quotes, brackets."""

import re
import unicodedata

#: No address that anything is sold for is longer; with marks and blanks around it.
LONGEST, LONGEST_TYPED = 1000, 4000
_MOST_PAIRS = 4
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
#: Not between two letters of a script that is written with them: there they are part of the spelling.
_JOINERS = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_BLANKS = "\u2800\u3164\u115f\u1160\uffa0"
_QUOTES = {'"': '"', "'": "'", "`": "`", "<": ">", "(": ")", "[": "]", "{": "}", "«": "»", "»": "«", "“": "”",
           "„": "“", "‘": "’", "‹": "›", "「": "」", "『": "』", "《": "》", "〈": "〉", "【": "】"}  # fmt: skip
#: A closing bracket at the end that nothing opened belongs to the text around the address.
_OPENING = {")": "(", "]": "[", "}": "{"}


def cleaned(text: str) -> str:
    """Return the text without invisible marks, blanks around it, and quotes or brackets around all of it."""
    if not (text.isascii() and text.isprintable()):
        text = _CONTROL.sub("", _JOINERS.sub("", text))
        text = "".join(c for c in text if c in "\u200c\u200d" or unicodedata.category(c) != "Cf")
        text = "".join(c for c in text if not "\ufe00" <= c <= "\ufe0f").strip().strip(_BLANKS)
        # An input method for Chinese or Japanese may leave the beginning in wide letters.
        wide = re.match(r"[\uff01-\uff5e]+", text)
        if wide:
            text = unicodedata.normalize("NFKC", wide[0]) + text[wide.end() :]
    text = text.strip()
    for _pair in range(_MOST_PAIRS):
        if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
            text = text[1:-1].strip()
    text = text.rstrip(",;").strip()
    for _bracket in range(_MOST_PAIRS):
        if text and (opening := _OPENING.get(text[-1])) and text.count(text[-1]) > text.count(opening):
            text = text[:-1].strip()
    return text
