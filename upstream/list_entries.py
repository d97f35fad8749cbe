"""What a list says of one service: usually one row, sometimes several that repeat or contradict each other."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from upstream.messages import ServiceListRow
from upstream.service_rows import RowReader

# To be changed whenever rows are read differently than before, so that each known row is read once more.
_READING = b"2"
_CONFLICT = "conflicting_duplicates: the list names this service more than once, differently"


class Entry:
    """`rows` are the rows that name this id, in the order of the list."""

    __slots__ = ("_texts", "external_id", "reader", "rows")

    def __init__(self, external_id: str, reader: RowReader) -> None:
        self.external_id = external_id
        self.reader = reader
        self.rows: list[dict[str, Any]] = []
        self._texts: list[bytes] = []

    @property
    def digest(self) -> str:
        """32 characters, the same for the same rows, whatever the order of their keys."""
        digest = _empty_digest(self.reader.salt).copy()
        for text in self._rows_as_text():
            digest.update(text)
        return digest.hexdigest()

    def read(self) -> ServiceListRow:
        """Return the row. Exact repeats are merged; of rows that disagree the first is kept, in quarantine."""
        read, texts = self.reader.read, self._rows_as_text()
        if len(texts) == 1:
            return read(self.external_id, self.rows[0], texts[0].decode())
        first, *others = (
            read(self.external_id, row, text.decode()) for row, text in zip(self.rows, texts, strict=True)
        )
        if all(other._replace(raw=first.raw) == first for other in others):
            return first
        return first._replace(quarantine=(*first.quarantine, _CONFLICT))

    def _rows_as_text(self) -> list[bytes]:
        if not self._texts:
            self._texts = [self.reader.as_text(row) for row in self.rows]
        return self._texts


@lru_cache(maxsize=64)
def _empty_digest(salt: bytes) -> hashlib.blake2b:
    """Return what every digest of a list begins with: a copy takes a third of the time of a new one."""
    digest = hashlib.blake2b(_READING, digest_size=16)
    digest.update(salt)
    return digest
