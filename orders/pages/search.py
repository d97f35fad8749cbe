"""What a customer looks for among their orders: read from an address, and written into one."""

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict

from catalog.models import Service
from catalog.shop.platforms import BY_SLUG, OTHER
from core.numbers import ascii_digits
from orders.pages.periods import PERIODS
from orders.pages.tabs import STATES, Narrowing

_DIGITS = 18
_LONGEST_TEXT = 200


def number_in(text: str) -> int | None:
    """Return the order number that ``text`` is, in the digits of any language; None if it is none."""
    digits = ascii_digits(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS else None


@dataclass(frozen=True)
class Search:
    """``before`` and ``after`` are order numbers: the page of older orders than one, and that of newer ones.

    ``is_broken`` if the address names no page.
    """

    state: str = ""
    text: str = ""
    service: int | None = None
    platform: str = ""
    period: str = ""
    page: int = 1
    before: int | None = None
    after: int | None = None
    is_broken: bool = False

    @classmethod
    def read(cls, get: QueryDict) -> "Search":
        """Return what an address asks for; a filter that there is not counts as none."""

        def among(name: str, known: object) -> str:
            value = get.get(name, "")
            return value if value in known else ""  # type: ignore[operator]

        page = get.get("page", "")
        given = ((name, str(get.get(name, ""))) for name in ("before", "after"))
        cursors = {name: number_in(text) for name, text in given if text}
        is_broken = len(cursors) > 1 or None in cursors.values()
        return cls(
            state=among("state", STATES),
            text=" ".join(get.get("q", "").replace("\0", "").split())[:_LONGEST_TEXT],
            service=number_in(get.get("service", "")),
            platform=among("platform", {**BY_SLUG, OTHER: None}),
            period=among("period", PERIODS),
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            is_broken=is_broken,
            **({} if is_broken else cursors),
        )

    @property
    def has_cursor(self) -> bool:
        return self.before is not None or self.after is not None

    @property
    def is_narrowed(self) -> bool:
        """True if it leaves out orders for another reason than their state."""
        return bool(self.text or self.service is not None or self.platform or self.period)

    def at(self, *, page: int = 1, before: int | None = None, after: int | None = None) -> "Search":
        """Return the same search on another page."""
        return replace(self, page=page, before=before, after=after, is_broken=False)

    def all_narrowings(self) -> list[tuple[str, str]]:
        """Return the names and values of what it is narrowed to, for an address or a form."""
        service = "" if self.service is None else str(self.service)
        pairs = [("state", self.state), ("q", self.text), ("platform", self.platform), ("service", service)]
        return [(name, value) for name, value in [*pairs, ("period", self.period)] if value]

    def narrowed_query(self) -> str:
        """Return what it is narrowed to, without its page, for an address that has a ``?`` already."""
        return urlencode(self.all_narrowings())

    def query(self) -> str:
        page = str(self.page) if self.page > 1 and not self.has_cursor else ""
        places = [("page", page)]
        places += [(name, "" if n is None else str(n)) for name, n in (("before", self.before), ("after", self.after))]
        filled = self.all_narrowings() + [(name, value) for name, value in places if value]
        return f"?{urlencode(filled)}" if filled else ""

    def narrowing(self, *, now: datetime) -> Narrowing:
        """Return it without its text and its state; one query if it names a platform."""
        services = None if self.service is None else frozenset([self.service])
        if self.platform:
            of_platform = frozenset(Service.objects.filter(platform=self.platform).values_list("pk", flat=True))
            services = of_platform if services is None else of_platform & services
        period = PERIODS.get(self.period)
        since, until = (None, None) if period is None else period.bounds(now)
        return Narrowing(services, since, until)
