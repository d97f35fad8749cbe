"""For how long a service refills, and how soon: read from the words in which providers say it."""

import re
from typing import NamedTuple

#: More than ten years is no promise that anybody keeps count of; the column takes no more.
MOST_DAYS = 3650
MOST_HOURS = 720
#: A description is read only this far.
_READ = 10_000

_TAG = re.compile(r"<[^<>]{0,200}>")
_DAYS = re.compile(
    r"(?<![a-z0-9])r[ -]?([0-9]{2,3})(?![0-9a-z])"  # R30
    r"|(?<![0-9.,-])([0-9]{1,4})[ -]?(?:days?|d)[ -]{1,2}(?:auto[ -]?)?re-?fill"  # 30 days refill, 365 days auto refill
    r"|(?<![a-z])re-?fill(?:ed)?[ :=([-]{1,3}(?:for )?([0-9]{1,4})[ -]?(?:days?|d)(?![a-z])"  # Refill: 30 days
)
_ENDLESS = re.compile(
    r"(?:life[ -]?time|forever|unlimited)[ -](?:auto[ -]?)?re-?fill|re-?fill[ :=([-]{1,3}(?:life[ -]?time|forever)"
)
_OPENS = re.compile(
    r"(?<!no )re-?fill (?:button |request )?(?:is |will be |can be )?"
    r"(?:opens|available|active|enabled|works|asked|requested) (?:only )?after ([0-9]{1,3}) ?(?:h|hrs?|hours?)(?![a-z])"
)


class RefillTerms(NamedTuple):
    """``days`` after completion within which a refill can be asked for, 0 without an end.

    ``opens_hours``: how many hours after completion the first can be asked for.
    """

    days: int = 0
    opens_hours: int = 0


def refill_terms(name: str, description: str) -> RefillTerms:
    """Return what a name or, if that says nothing, a description promises; zeros where neither says anything.

    Where several numbers of days are named the longest counts, and words such as "lifetime" count for more than any.
    """
    texts = [text for text in (_plain(name), _plain(description)) if "r" in text]
    hours = next((int(found[1]) for text in texts if (found := _OPENS.search(text))), 0)
    days = 0
    for text in texts:
        if _ENDLESS.search(text):
            break
        named = [int(next(filter(None, found.groups()))) for found in _DAYS.finditer(text)]
        if named:
            days = max(named)
            break
    return RefillTerms(days if days <= MOST_DAYS else 0, min(hours, MOST_HOURS))


def _plain(text: str) -> str:
    return _TAG.sub("", text[:_READ]).lower()
