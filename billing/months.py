"""A calendar month of the shop, as statements are cut."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

_SLUG = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True)
class Month:
    """``str(month)`` is ``2026-11``, which :meth:`parse` reads. Its edges are midnights of the current time zone."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        local = timezone.localtime(moment)
        return cls(local.year, local.month)

    @classmethod
    def parse(cls, text: str) -> "Month | None":
        """The month that ``text`` names, or None: what stands in an address is anybody's."""
        found = _SLUG.fullmatch(text)
        if found is None or not 1970 <= int(found[1]) <= 9998:
            return None
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def next(self) -> "Month":
        return Month(self.year + 1, 1) if self.month == 12 else Month(self.year, self.month + 1)

    @property
    def start(self) -> datetime:
        """The first moment of the month."""
        return timezone.make_aware(datetime(self.year, self.month, 1))

    @property
    def end(self) -> datetime:
        """The first moment after the month."""
        return self.next.start
