"""A search of the price list, read from the query string of an address and written into one."""

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from catalog.shop.page_addresses import category_address
from catalog.shop.platforms import BY_SLUG, OTHER
from catalog.shop.search_text import fold
from core.numbers import ascii_digits, plain_number

MAX_WORDS = 8
SORTS = ("shop", "price", "starts", "takes")
#: Those by a measured time.
TIME_SORTS = ("starts", "takes")
#: What a visitor may require a service to offer.
OFFERS = ("refill", "cancel", "dripfeed")
#: Every filter, with its value that hides nothing.
FILTERS: dict[str, object] = {**dict.fromkeys(OFFERS, False), "price": None, "within": None, "platform": ""}
#: Choices of how soon half of the orders must have started, in minutes.
STARTS_WITHIN = (5, 15, 60, 360, 1440)
#: The number of a service, as shown (#63) and as people write it.
_NUMBER = re.compile(r"(?P<sign>[#№＃]|\bid\b:?)?\s*(?P<number>[0-9]{1,15})", re.IGNORECASE)


_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,5})?")


def _price_or_none(text: str) -> Decimal | None:
    return (Decimal(text) or None) if _PRICE.fullmatch(text) else None


def _int_or_none(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@dataclass(frozen=True)
class PriceListQuery:
    """What a visitor searches for. :meth:`read` takes it from an address, :meth:`as_address` writes it into one.

    ``price`` is the highest list price shown, in the shop's currency. ``within`` is in how many minutes half of the
    orders for a service must have started, of those in which that is measured.
    """

    text: str = ""
    platform: str = ""
    category: int | None = None
    #: Only for addresses.
    category_name: str = field(default="", compare=False)
    refill: bool = False
    cancel: bool = False
    dripfeed: bool = False
    price: Decimal | None = None
    within: int | None = None
    sort: str = "shop"
    page: int = 1

    @classmethod
    def read(cls, get: QueryDict) -> "PriceListQuery":
        """Read the query string; values without a meaning are left out, since addresses are typed and crawled."""
        sort, platform = get.get("sort", ""), get.get("platform", "")
        within = _int_or_none(get.get("within", ""))
        return cls(
            text=" ".join(get.get("q", "").replace("\0", "").split())[:100],
            platform=platform if platform in BY_SLUG or platform == OTHER else "",
            category=_int_or_none(get.get("category", "")),
            refill=bool(get.get("refill")),
            cancel=bool(get.get("cancel")),
            dripfeed=bool(get.get("dripfeed")),
            price=_price_or_none(get.get("price", "")),
            within=within if within in STARTS_WITHIN else None,
            sort=sort if sort in SORTS else "shop",
            page=min(_int_or_none(get.get("page", "")) or 1, 100_000),
        )

    @property
    def path(self) -> str:
        """The page that shows it: the price list, or that of the category."""
        return category_address(self.category, self.category_name) if self.category else reverse("catalog:prices")

    def as_address(self) -> str:
        """Return the address, such as ``/?q=likes&refill=1``; ``/`` for the whole list."""
        params: list[tuple[str, str]] = [("q", self.text)] if self.text else []
        params += [("platform", self.platform)] if self.platform else []
        params += [(name, "1") for name in OFFERS if getattr(self, name)]
        params += [("price", plain_number(self.price))] if self.price else []
        params += [("within", str(self.within))] if self.within else []
        params += [("sort", self.sort)] if self.sort != "shop" else []
        params += [("page", str(self.page))] if self.page > 1 else []
        return f"{self.path}?{urlencode(params)}" if params else self.path

    def canonical(self) -> str:
        """Return the address under which search engines should know what is shown: without search, filters and sort."""
        platform = "" if self.category else self.platform
        whole = PriceListQuery(platform=platform, category=self.category, category_name=self.category_name)
        return replace(whole, page=self.page).as_address()

    @property
    def words(self) -> list[str]:
        """The words to search for; none where the text is the number of one service, such as "#63"."""
        return [] if self.only_service else fold(self.text).split()[:MAX_WORDS]

    @property
    def service(self) -> int | None:
        """The number of the service that is meant, or may be: "63" may be a part of a name as well."""
        found = _NUMBER.fullmatch(ascii_digits(self.text.strip()))
        return int(found["number"]) if found else None

    @property
    def only_service(self) -> int | None:
        """The number of the service if nothing else can be meant."""
        found = _NUMBER.fullmatch(ascii_digits(self.text.strip()))
        return int(found["number"]) if found and found["sign"] else None

    @property
    def is_grouped(self) -> bool:
        return self.category is None and self.sort == "shop"

    @property
    def is_plain(self) -> bool:
        return replace(self, page=1) == PriceListQuery()

    @property
    def filtered_by(self) -> list[str]:
        """The filters that may hide something."""
        return [name for name, nothing in FILTERS.items() if getattr(self, name) != nothing]

    def without(self, name: str) -> "PriceListQuery":
        """The same query without one filter, from its first page."""
        return self.but(**{name: FILTERS[name]})

    def but(self, **changes: object) -> "PriceListQuery":
        """The same query with some fields changed, from its first page."""
        return replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
