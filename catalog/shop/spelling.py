"""Corrects typos in the search box by the words of the price list."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import islice, product

#: How alike two words must be, as `difflib` measures it, from 0 to 1.
_ALIKE = 0.7
#: Words compared in full: those that share the most pairs of letters with the mistyped one.
_CANDIDATES = 40
#: Similar words tried in the place of one, and combinations of them tried for a whole search.
_PER_WORD, _COMBINATIONS = 3, 9
_BREAK = re.compile(r"[\W_]+")


class Vocabulary:
    """The words of some texts that a typo may stand for: three letters or more, without digits."""

    def __init__(self, texts: Iterable[str]) -> None:
        seen = Counter(word for text in texts for word in _BREAK.split(text))
        self._counts = {word: n for word, n in seen.items() if len(word) > 2 and not _has_digit(word)}
        self._by_pair: dict[str, list[str]] = {}
        for word in self._counts:
            for pair in _pairs(word):
                self._by_pair.setdefault(pair, []).append(word)

    def corrections(self, words: list[str], unknown: set[str]) -> Iterator[list[str]]:
        """Yield ``words`` with those of ``unknown`` replaced, the likeliest first; at least one list.

        A word that nothing resembles stays as it is.
        """
        choices = [self._instead_of(word) if word in unknown else [[word]] for word in words]
        for chosen in islice(product(*choices), _COMBINATIONS):
            yield [word for part in chosen for word in part]

    def _instead_of(self, word: str) -> list[list[str]]:
        """What may stand in the place of ``word``: two words written as one, or a similar word."""
        return [*self._parted(word), *([similar] for similar in self._similar(word))][:_PER_WORD] or [[word]]

    def _parted(self, word: str) -> Iterator[list[str]]:
        for n in range(3, len(word) - 2):
            if word[:n] in self._counts and word[n:] in self._counts:
                yield [word[:n], word[n:]]

    def _similar(self, word: str) -> list[str]:
        """The words most like ``word``, the more frequent first among those equally alike."""
        if len(word) < 3 or _has_digit(word):
            return []
        shared = Counter(other for pair in _pairs(word) for other in self._by_pair.get(pair, ()))
        ranked = []
        matcher = SequenceMatcher(b=word, autojunk=False)
        for other, _n in shared.most_common(_CANDIDATES):
            likeness = _likeness(matcher, other)
            if len(other) > len(word) > 3:  # perhaps only the beginning of a word has been typed
                likeness = max(likeness, 0.9 * _likeness(matcher, other[: len(word)]))
            if likeness >= _ALIKE:
                ranked.append((-likeness, -self._counts[other], other))
        return [other for _likeness, _count, other in sorted(ranked)]


def _likeness(matcher: "SequenceMatcher[str]", other: str) -> float:
    """How alike two words are, or 0 where quick bounds show that they are too different."""
    matcher.set_seq1(other)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return 0
    return matcher.ratio()


def _pairs(word: str) -> set[str]:
    """Neighbouring letters, with a blank before the first and after the last."""
    framed = f" {word} "
    return {framed[n : n + 2] for n in range(len(framed) - 1)}


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)
