"""Pages of a list in the order of its numbers, newest first: named by where they begin, and equally fast anywhere."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from orders.pages.search import number_in

PER_PAGE = 25


@dataclass(frozen=True)
class KeysetPage[Row]:
    """``newer`` and ``older`` are addresses relative to the page, None where there is nothing more.

    ``newest`` and ``oldest`` are those of both ends.
    """

    rows: list[Row]
    newer: str | None
    older: str | None
    newest: str
    oldest: str
    is_first: bool


def keyset_page(rows: QuerySet[Any], get: QueryDict, **kept: str) -> KeysetPage[Any]:
    """Return the page of ``rows`` that ``before`` or ``after`` of an address names, the first one without them.

    ``kept`` are the other parts of the address, which its neighbours keep.
    """
    before, after = number_in(get.get("before", "")), number_in(get.get("after", ""))

    def address(**place: int) -> str:
        return f"?{urlencode({**{name: value for name, value in kept.items() if value}, **place})}"

    ends = (address(), address(after=0))
    if after is not None:
        newer = list(rows.filter(pk__gt=after).order_by("pk")[: PER_PAGE + 1])
        if len(newer) > PER_PAGE or after == 0:
            shown = newer[:PER_PAGE][::-1]
            return KeysetPage(
                shown,
                address(after=shown[0].pk) if len(newer) > PER_PAGE else None,
                address(before=shown[-1].pk) if shown and after else None,
                *ends,
                is_first=False,
            )
        before = None  # at the newest rows it is the first page, which is always full
    older = list((rows if before is None else rows.filter(pk__lt=before)).order_by("-pk")[: PER_PAGE + 1])
    shown = older[:PER_PAGE]
    has_newer = before is not None and rows.filter(pk__gte=before).exists()
    return KeysetPage(
        shown,
        address(after=shown[0].pk) if has_newer and shown else None,
        address(before=shown[-1].pk) if len(older) > PER_PAGE else None,
        *ends,
        is_first=before is None,
    )
