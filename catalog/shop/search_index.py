"""All services on sale as the search box reads them, kept in this process until the catalog changes.

Whether it has changed is one query at each use (:func:`catalog_fingerprint`), so no process answers from an old list.
"""

import threading
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.db.models import Q
from django.utils.translation import get_language

from catalog.bulk import gc_disabled
from catalog.models import Category, Service, Unit
from catalog.models.service import DRIPFEED_TYPES
from catalog.shop.fingerprint import catalog_fingerprint
from catalog.shop.platforms import BY_SLUG, OTHER
from catalog.shop.price_list_query import PriceListQuery
from catalog.shop.search_text import searchable
from catalog.shop.spelling import Vocabulary
from core.owner_texts import texts_in

#: Prices offered as a limit, at most.
_STEPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a service stands: its category and its platform. One object for each, and the attributes say which."""

    category: int
    category_name: str
    platform: str
    #: The name of the category in the language of the page.
    shown_name: str

    @property
    def branch(self) -> str:
        """The slug of a known platform, or "other"."""
        return self.platform if self.platform in BY_SLUG else OTHER


@dataclass(slots=True, eq=False)
class Entry:
    """One service on sale, at the list's ``price``. ``price_rank`` orders the entries by price, packages last."""

    pk: int
    text: str
    place: Place
    refill: bool
    cancel: bool
    dripfeed: bool
    price: Decimal
    price_rank: int = 0


class SearchIndex:
    """The services on sale, in the shop's order."""

    def __init__(self, entries: list[Entry], headings: dict[int, int], before: "SearchIndex | None" = None) -> None:
        self.entries = entries
        self.by_number = {entry.pk: entry for entry in entries}
        #: Category -> its place in the order of headings.
        self.headings = headings
        self._all_text = "\n".join(entry.text for entry in entries)
        if before is not None and before._all_text == self._all_text and "_vocabulary" in before.__dict__:
            # Reading the words again takes longer than everything else, and most changes are of prices.
            self.__dict__["_vocabulary"] = before._vocabulary

    def matching(
        self, query: PriceListQuery, words: Iterable[str], quick: Collection[int] | None = None
    ) -> list[Entry]:
        """Return what contains every one of ``words`` and passes the filters of ``query``, on any platform.

        Of the filters ``within`` is not read here: where it is set, ``quick`` names the services that pass it.
        """
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
        if query.price is not None:
            found = [entry for entry in found if entry.price <= query.price]
        if quick is not None:
            found = [entry for entry in found if entry.pk in quick]
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
    def places(self) -> Counter[Place]:
        """Every place in which something is sold, with how many services."""
        return Counter(entry.place for entry in self.entries)

    @cached_property
    def price_steps(self) -> list[Decimal]:
        """Round prices between the lowest and the highest, for a filter: 0.5, 1, 2, 5."""
        ordered = sorted(entry.price for entry in self.entries)
        # The dearest few are often a hundred times dearer than the rest.
        low, high = (ordered[0], ordered[len(ordered) * 19 // 20]) if ordered else (Decimal(1), Decimal(0))
        rounds = (Decimal(digit).scaleb(power) for power in range(-4, 9) for digit in (1, 2, 5))
        steps = [price for price in rounds if low <= price < high]
        return steps[-_STEPS:]

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(entry.text for entry in self.entries)


#: By language, each with the fingerprint of the catalog that it was made of.
_kept: dict[str, tuple[str, SearchIndex]] = {}
_lock = threading.Lock()


def search_index() -> SearchIndex:
    """Return the index of the catalog as it is now, in the language of the page; it is made anew after a change.

    Services are found by their names in that language as well as by the original ones.
    """
    fingerprint, language = catalog_fingerprint(), str(get_language() or settings.LANGUAGE_CODE)
    kept = _kept.get(language)
    if kept is not None and kept[0] == fingerprint:
        return kept[1]
    with _lock:
        kept = _kept.get(language)
        if kept is None or kept[0] != fingerprint:
            with gc_disabled():
                _kept[language] = kept = (fingerprint, _read(language, kept[1] if kept else None))
    return kept[1]


def _read(language: str, before: SearchIndex | None) -> SearchIndex:
    names, headings_shown = texts_in(language, Service, "name"), texts_in(language, Category, "name")
    rows = list(
        Service.objects.on_sale()
        .annotate(
            refills=Q(source__refill=True, source__provider__can_refill=True),
            cancels=Q(source__cancel=True, source__provider__can_cancel=True),
            drips=Q(source__dripfeed=True, source__type__in=DRIPFEED_TYPES),
        )
        .order_by("category__position", "category_id", "position", "id")
        .values_list(
            "pk", "search_text", "category_id", "platform", "refills", "cancels", "drips", "price", "source__unit"
        )
    )
    # Read after the rows, so that it has the category of each.
    categories = dict(Category.objects.values_list("pk", "name"))
    places: dict[tuple[int, str], Place] = {}
    entries: list[Entry] = []
    headings: dict[int, int] = {}
    by_price: list[tuple[bool, Decimal, int, Entry]] = []
    for pk, text, category, platform, refills, cancels, drips, price, unit in rows:
        assert price is not None  # noqa: S101 - what is on sale has a price
        if (place := places.get((category, platform))) is None:
            name = categories[category]
            place = Place(category, name, platform, headings_shown.get(category, name))
            places[category, platform] = place
            headings.setdefault(category, len(headings))
        if pk in names or category in headings_shown:
            text = f"{text} {searchable(names.get(pk, ''))} {searchable(headings_shown.get(category, ''))}"
        entries.append(entry := Entry(pk, text, place, refills, cancels, drips, price))
        by_price.append((unit == Unit.PER_PACKAGE, price, pk, entry))
    for rank, (_is_package, _price, _pk, entry) in enumerate(sorted(by_price)):
        entry.price_rank = rank
    return SearchIndex(entries, headings, before)
