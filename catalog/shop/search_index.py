"""All services on sale as the search box reads them, kept in this process until the catalog changes.

Whether it has changed is one query at each use (:func:`catalog_fingerprint`), so no process answers from an old list.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q, Window
from django.db.models.functions import DenseRank, RowNumber

from catalog.models import Service
from catalog.models.service import DRIPFEED_TYPES
from catalog.shop.fingerprint import catalog_fingerprint
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.spelling import Vocabulary


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service stands: its category and its platform."""

    category: int
    category_name: str
    platform: str


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One service on sale. ``price_rank`` orders the entries by price, packages last."""

    pk: int
    text: str
    place: Place
    refill: bool
    cancel: bool
    dripfeed: bool
    price_rank: int


class SearchIndex:
    """The services on sale, in the shop's order."""

    def __init__(self, entries: list[Entry], headings: dict[int, int]) -> None:
        self.entries = entries
        self.by_number = {entry.pk: entry for entry in entries}
        #: Category -> its place in the order of headings.
        self.headings = headings
        self._all_text = "\n".join(entry.text for entry in entries)

    def matching(self, query: PriceListQuery, words: Iterable[str]) -> list[Entry]:
        """Return what contains every one of ``words`` and offers what ``query`` requires, on any platform."""
        found = self.entries
        if query.only_service is not None:
            named = self.by_number.get(query.only_service)
            found = [named] if named else []
        for word in words:
            found = [entry for entry in found if word in entry.text]
        if query.category:
            found = [entry for entry in found if entry.place.category == query.category]
        if query.refill:
            found = [entry for entry in found if entry.refill]
        if query.cancel:
            found = [entry for entry in found if entry.cancel]
        if query.dripfeed:
            found = [entry for entry in found if entry.dripfeed]
        return found

    def correct(self, words: list[str]) -> list[str]:
        """Return ``words`` with each that no service contains replaced by a similar one that some service does.

        Of several similar words those are taken that one service contains all together.
        """
        unknown = {word for word in words if word not in self._all_text}
        if not unknown:
            return words
        tries = list(self._vocabulary.corrections(words, unknown))
        everything = PriceListQuery()
        return next((attempt for attempt in tries if self.matching(everything, attempt)), tries[0])

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(entry.text for entry in self.entries)


_kept: tuple[str, SearchIndex] | None = None
_lock = threading.Lock()


def search_index() -> SearchIndex:
    """Return the index of the catalog as it is now; it is made anew after a change."""
    global _kept
    fingerprint = catalog_fingerprint()
    if (kept := _kept) is not None and kept[0] == fingerprint:
        return kept[1]
    with _lock:
        if (kept := _kept) is None or kept[0] != fingerprint:
            _kept = kept = (fingerprint, _read())
    return kept[1]


def _read() -> SearchIndex:
    rows = (
        Service.objects.on_sale()
        .annotate(
            refills=Q(source__refill=True, source__provider__can_refill=True),
            cancels=Q(source__cancel=True, source__provider__can_cancel=True),
            drips=Q(source__dripfeed=True, source__type__in=DRIPFEED_TYPES),
            by_price=Window(RowNumber(), order_by=["source__unit", "price", "id"]),
            heading=Window(DenseRank(), order_by=["category__position", "category_id"]),
        )
        .order_by("category__position", "position", "id")
        .values_list(
            "pk", "search_text", "category_id", "category__name", "platform", "refills", "cancels", "drips", "by_price",
            "heading",
        )
    )  # fmt: skip
    places: dict[Place, Place] = {}
    entries, headings = [], {}
    for pk, text, category, name, platform, refills, cancels, drips, by_price, heading in rows:
        place = Place(category, name, platform)
        place = places.setdefault(place, place)
        entries.append(Entry(pk, text, place, refills, cancels, drips, by_price))
        headings[category] = heading
    return SearchIndex(entries, headings)
