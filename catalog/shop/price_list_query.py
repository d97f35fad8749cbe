"""What a visitor asked of the price list, read from an address and written into one."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from catalog.shop.platforms import BY_SLUG, OTHER, fold

MAX_WORDS = 8
SORTS = ("shop", "price")
#: What a visitor may ask a service to offer.
OFFERS = ("refill", "cancel", "dripfeed")


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@dataclass(frozen=True)
class PriceListQuery:
    """What a visitor asked for. Made from an address by :meth:`read`, turned into one again by :meth:`query`."""

    text: str = ""
    platform: str = ""
    category: int | None = None
    refill: bool = False
    cancel: bool = False
    dripfeed: bool = False
    sort: str = "shop"
    page: int = 1

    @classmethod
    def read(cls, get: QueryDict) -> "PriceListQuery":
        """Whatever makes no sense is left out: an address is typed, shared and crawled."""
        sort, platform = get.get("sort", ""), get.get("platform", "")
        return cls(
            text=" ".join(get.get("q", "").replace("\0", "").split())[:100],
            platform=platform if platform in BY_SLUG or platform == OTHER else "",
            category=_whole(get.get("category", "")),
            refill=bool(get.get("refill")),
            cancel=bool(get.get("cancel")),
            dripfeed=bool(get.get("dripfeed")),
            sort=sort if sort in SORTS else "shop",
            page=min(_whole(get.get("page", "")) or 1, 100_000),
        )

    def query(self) -> str:
        """``?q=likes&refill=1``, or nothing for the whole list."""
        said: list[tuple[str, str]] = [("q", self.text)] if self.text else []
        said += [("platform", self.platform)] if self.platform else []
        said += [("category", str(self.category))] if self.category else []
        said += [(name, "1") for name in OFFERS if getattr(self, name)]
        said += [("sort", self.sort)] if self.sort != "shop" else []
        said += [("page", str(self.page))] if self.page > 1 else []
        return f"?{urlencode(said)}" if said else ""

    @property
    def words(self) -> list[str]:
        return fold(self.text).split()[:MAX_WORDS]

    @property
    def is_grouped(self) -> bool:
        return self.category is None and self.sort == "shop"

    @property
    def is_plain(self) -> bool:
        return replace(self, page=1) == PriceListQuery()

    def but(self, **changes: object) -> "PriceListQuery":
        """The same wish with some parts changed, from its first page."""
        return replace(self, **{"page": 1, **changes})  # type: ignore[arg-type]
