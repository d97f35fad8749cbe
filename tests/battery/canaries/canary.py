"""What a canary is."""

from collections.abc import Callable
from dataclasses import dataclass

STORIES = "tests/battery/test_stories.py"
RACES = "tests/battery/test_races.py"
MACHINE = "tests/battery/test_bracket_machine.py"
CORPUS = "tests/battery/test_parser_corpus.py"
WIRE = "tests/battery/test_wire_faults.py"


@dataclass(frozen=True)
class Trial:
    """A test that must turn red, and the words (a regular expression) that its failure must show."""

    test: str
    shows: str


@dataclass(frozen=True)
class Canary:
    """One bug.

    ``seed`` changes functions or settings of the product in the process of the test. Where the database would stop the
    bug, ``unguarded`` is the SQL that takes its guard away, and the trials run twice: with the guard in place nothing
    may break, and where the test turns red nevertheless it has to show ``guard``, a name or a phrase of the refusal.
    ``nearest`` says what stands for the whole where the bug could be in several places.
    """

    number: int
    name: str
    seeded: str
    trials: tuple[Trial, ...]
    seed: Callable[[], None] | None = None
    unguarded: str = ""
    guard: str = ""
    nearest: str = ""


def swapped(text: str, old: str, new: str = "") -> str:
    """Return ``text`` with ``new`` for ``old``. Raises LookupError where ``old`` is missing: then there is no bug."""
    if old not in text:
        raise LookupError(f"the product no longer says {old!r}")
    return text.replace(old, new)
