"""The numbers in a call: one, or up to a hundred in a list."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from api.errors import INCORRECT_REQUEST, MAXIMUM, TOO_MANY_ORDERS, ApiError
from api.incoming import Call

#: Lists come with commas; also with blanks, lines or semicolons, and as some programs print a list: [1, "2"].
_WORD = re.compile(r"[^\s,;]+")
_AROUND = "[]\"'"
_NUMBER = re.compile(r"0*([1-9][0-9]{0,17})\Z", re.ASCII)


@dataclass(frozen=True)
class RequestedIds:
    """The ids of a call, each once and in their order: the name to answer under -> the number, None if it is none."""

    numbers: Mapping[str, int | None]
    is_batch: bool

    @property
    def ascending(self) -> list[int]:
        """The numbers in the order in which rows are locked."""
        return sorted(number for number in self.numbers.values() if number is not None)

    @property
    def only(self) -> int | None:
        return next(iter(self.numbers.values()))


def read_id(text: str) -> int | None:
    """Return an id as a positive whole number, None for anything else."""
    match = _NUMBER.match(text.strip())
    return int(match[1]) if match else None


def read_ids(call: Call, one: str, several: str) -> RequestedIds:
    """Return the ids in the fields ``one`` or ``several``. Raises ApiError for none at all and for over a hundred.

    Several numbers in the field for one are read as a list: there are programs that send no other field.
    """
    batch = call.get(several)
    if not batch:
        if not (single := call.get(one)):
            raise ApiError(INCORRECT_REQUEST)
        numbers_in_one = [read_id(word) for word in _words(single)]
        if len(numbers_in_one) < 2 or None in numbers_in_one:
            return RequestedIds({single[:64]: read_id(single)}, is_batch=False)
        batch = single
    words = _words(batch)
    if len(words) > MAXIMUM:
        raise ApiError(TOO_MANY_ORDERS)
    if not words:
        raise ApiError(INCORRECT_REQUEST)
    numbers: dict[str, int | None] = {}
    for word in words:
        number = read_id(word)
        numbers[word[:64] if number is None else str(number)] = number
    return RequestedIds(numbers, is_batch=True)


def _words(text: str) -> list[str]:
    """The words of a list, at most one more than a call may have: a text of a megabyte is not read to its end."""
    words = (word for found in _WORD.finditer(text) if (word := found[0].strip(_AROUND)))
    return list(islice(words, MAXIMUM + 1))
