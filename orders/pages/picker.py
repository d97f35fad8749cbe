"""The picker of services on the order form: search, platforms and categories, favourites, recently ordered services."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from catalog.models import Service
from catalog.shop.favourites import favourites_of
from catalog.shop.platform_tree import TreeCategory, TreePlatform
from catalog.shop.platforms import BY_SLUG, OTHER
from catalog.shop.search_index import search_index
from catalog.shop.service_picker import PickerResult, pick
from core.templatetags.shop import num
from orders.models import Order

FAVOURITES, RECENT = "favourites", "recent"
#: Orders that are looked at for the services ordered last, and how many of those are shown.
_LAST_ORDERS, _MOST_RECENT, _MOST_NAMED = 30, 8, 3


@dataclass(frozen=True)
class TreeItem:
    """A shelf, a platform or a category to look into; ``query`` is the rest of its address."""

    key: str
    name: str
    letters: str
    total: int
    query: str
    is_category: bool = False
    is_current: bool = False
    is_open: bool = False

    @property
    def is_platform(self) -> bool:
        return self.key in BY_SLUG or self.key == OTHER


@dataclass(frozen=True)
class Picker:
    """What the picker shows. ``kept`` are a link and a quantity that go along to the service that is chosen."""

    find: str
    platform: str
    category: int | None
    shelf: str
    kept: dict[str, str]
    favourites: list[int]
    recent: list[int]
    found: PickerResult

    @property
    def level(self) -> str:
        """What a phone shows: the platforms, the categories of one, or services."""
        if self.category or self.find or self.shelf:
            return "services"
        return "categories" if self.platform else "platforms"

    @property
    def shown_shelf(self) -> str:
        """The shelf whose services are listed: the chosen one, or the first that has any."""
        if self.find or self.platform or self.category:
            return ""
        return self.shelf or (FAVOURITES if self.favourites else RECENT if self.recent else "")

    @property
    def heading(self) -> str:
        """How many services are listed of how many, and in which order."""
        shown, total = len(self.found.rows), self.found.total
        if self.shown_shelf:
            return _("Favourites") if self.shown_shelf == FAVOURITES else _("Used recently")
        if shown < total:
            figures = {"shown": num(shown), "total": num(total)}
            if self.platform and not self.find:
                return _("%(shown)s of %(total)s shown, cheapest first") % figures
            return _("%(shown)s of %(total)s shown") % figures
        text = ngettext("%(total)s service", "%(total)s services", total)
        if self.platform and not self.find and total > 1:
            text = _("%(total)s services, cheapest first")
        return text % {"total": num(total)}

    @property
    def tree(self) -> list[TreeItem]:
        shelves = [(FAVOURITES, _("Favourites"), "★", self.favourites), (RECENT, _("Used recently"), "↺", self.recent)]
        items = [
            TreeItem(key, name, letters, len(numbers), self._query(show=key), is_current=key == self.shown_shelf)
            for key, name, letters, numbers in shelves
            if numbers
        ]
        for platform in self.found.tree:
            query = self._query(find=self.find, platform=platform.slug)
            item = TreeItem(platform.slug, platform.name or _("Other"), platform.letters, platform.total, query)
            is_current = platform.is_current and not self.category
            items.append(replace(item, is_open=platform.is_current, is_current=is_current))
            for category in platform.categories:
                query = self._query(find=self.find, platform=platform.slug, category=str(category.number))
                item = TreeItem(f"category-{category.number}", category.name, "", category.total, query)
                items.append(replace(item, is_category=True, is_current=category.number == self.category))
        return items

    @property
    def open_platform(self) -> TreePlatform | None:
        return next((platform for platform in self.found.tree if platform.is_current), None)

    @property
    def chosen_category(self) -> TreeCategory | None:
        categories = self.open_platform.categories if self.open_platform else []
        return next((category for category in categories if category.number == self.category), None)

    @property
    def up(self) -> str:
        """The rest of the address one level up; of the top level "?" or what goes along."""
        if self.category and self.platform:
            return self._query(find=self.find, platform=self.platform)
        return self._query()

    @property
    def everywhere(self) -> str:
        """The rest of the address of the same search on all platforms."""
        return self._query(find=self.find)

    @property
    def kept_query(self) -> str:
        """What goes along, to be put behind the number of a service."""
        return f"&{urlencode(self.kept)}" if self.kept else ""

    def _query(self, **asked: str) -> str:
        return "?" + urlencode({name: value for name, value in {**asked, **self.kept}.items() if value})


def read_picker(customer: User | None, get: QueryDict) -> Picker:
    """Return the picker as a query string asks for it; what has no meaning there is left out.

    A visitor has no shelves.
    """
    find = " ".join(get.get("find", "").split())[:100]
    platform, category, shelf = get.get("platform", ""), get.get("category", ""), get.get("show", "")
    platform = platform if platform in BY_SLUG or platform == OTHER else ""
    number = int(category) if category.isascii() and category.isdigit() and len(category) < 10 else None
    sold = search_index().by_number
    favourites = [pk for pk in favourites_of(customer) if pk in sold] if customer else []
    ordered = recently_ordered(customer) if customer else []
    recent = [pk for pk in ordered if pk in sold][:_MOST_RECENT]
    shelves: dict[str, Sequence[int]] = {FAVOURITES: favourites, RECENT: recent}
    return Picker(
        find=find,
        platform=platform,
        category=number,
        shelf=shelf if shelves.get(shelf) else "",
        kept={name: text[:2000] for name in ("link", "quantity") if (text := get.get(name))},
        favourites=favourites,
        recent=recent,
        found=pick(
            find,
            customer,
            platform=platform,
            category=number,
            among=shelves.get(shelf) or favourites or recent or None,
        ),
    )


def is_asked(get: QueryDict) -> bool:
    """True if a query string asks for the picker although a service is chosen."""
    return any(get.get(name) for name in ("find", "platform", "category", "show"))


def recently_ordered(customer: User) -> list[int]:
    """Return the numbers of the services in the customer's last orders, the newest first, each once."""
    last = Order.objects.filter(customer=customer).order_by("-id").values_list("service_id", flat=True)
    return list(dict.fromkeys(last[:_LAST_ORDERS]))


def named_recently(customer: User) -> list[Service]:
    """Return the last few services that the customer ordered and that are still sold."""
    numbers = recently_ordered(customer)
    on_sale = Service.objects.on_sale().in_bulk(numbers[: 2 * _MOST_NAMED])
    return [on_sale[number] for number in numbers if number in on_sale][:_MOST_NAMED]
