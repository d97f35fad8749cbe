"""The answer to `services`: made and compressed once for each state of the catalog, and kept in this process."""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

import brotli
import msgspec
from django.db import connection

from accounts.models import User
from api.messages import ServiceEntry, short
from catalog.facts.reading import average_time, read_figures
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from catalog.shop.fingerprint import WRITES, catalog_fingerprint
from upstream.service_types import service_type

# What the prices of a group or customer are made of besides: no column of a service holds them.
_PRICES_FINGERPRINT = f"""
    SELECT ({WRITES} catalog_markuprule), ({WRITES} accounts_customergroup),
           (SELECT string_agg(concat_ws(':', id, exchange_rate, markup_percent), ',' ORDER BY id) FROM catalog_provider)
"""  # noqa: S608
#: What a client writes of an encoding that it does not accept.
_NOT_ACCEPTED = ("q=0", "q=0.0", "q=0.00", "q=0.000")
# A customer's own prices that are in force now.
_OWN_FINGERPRINT = f"""
    {WRITES} catalog_customerprice
    WHERE customer_id = %s AND (ends_at IS NULL OR ends_at > statement_timestamp()) HAVING count(*) > 0
"""  # noqa: S608
#: Bytes of lists kept in a process, each of another group or customer with own prices; all others share one.
MOST_BYTES = 64 * 1024 * 1024

type Key = tuple[int | None, int | None]


@dataclass(frozen=True)
class PriceList:
    """The list as JSON, plain and compressed. ``etag`` names exactly this list."""

    etag: str
    plain: bytes
    gzipped: bytes
    brotlied: bytes

    @property
    def size(self) -> int:
        """How many bytes its bodies have together."""
        return len(self.plain) + len(self.gzipped) + len(self.brotlied)

    def packed_for(self, accepted: str) -> tuple[bytes, str]:
        """The body and its Content-Encoding for an Accept-Encoding header; the latter is empty for the plain one."""
        offers = [word.replace(" ", "").partition(";") for word in accepted.lower().split(",")]
        words = {name for name, _semicolon, weight in offers if weight not in _NOT_ACCEPTED}
        if "br" in words:
            return self.brotlied, "br"
        return (self.gzipped, "gzip") if "gzip" in words else (self.plain, "")


class KeptLists:
    """Lists by group, and customer if it has own prices, each with the fingerprint of what it was made of.

    At most ``most`` bytes of them: the one that was read longest ago goes first. Any thread may ask; only those that
    want the same list wait while it is made.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._lists: OrderedDict[Key, tuple[str, PriceList]] = OrderedDict()
        # Of the rows above, held for no longer than it takes to look at them.
        self._lock = threading.Lock()
        # A lock is gone when no thread holds it any more.
        self._making: WeakValueDictionary[Key, _Turn] = WeakValueDictionary()

    def get(self, key: Key, fingerprint: str, make: Callable[[], PriceList]) -> PriceList:
        """Return the list kept under ``key`` if it has this fingerprint, else the one that ``make`` returns."""
        if (kept := self._look(key, fingerprint)) is not None:
            return kept
        with self._lock:
            turn = self._making.get(key)
            if turn is None:
                turn = self._making[key] = _Turn()
        with turn.lock:
            # Another thread may have made it meanwhile.
            if (kept := self._look(key, fingerprint)) is not None:
                return kept
            made = make()
            self._keep(key, fingerprint, made)
            return made

    def clear(self) -> None:
        with self._lock:
            self._lists.clear()
            self._bytes = 0

    def _look(self, key: Key, fingerprint: str) -> PriceList | None:
        with self._lock:
            kept = self._lists.get(key)
            if kept is None or kept[0] != fingerprint:
                return None
            self._lists.move_to_end(key)
            return kept[1]

    def _keep(self, key: Key, fingerprint: str, made: PriceList) -> None:
        """Keep one list, also if it alone is larger than the bound: most shops have no other."""
        with self._lock:
            if (old := self._lists.pop(key, None)) is not None:
                self._bytes -= old[1].size
            self._lists[key] = (fingerprint, made)
            self._bytes += made.size
            while self._bytes > self._most and len(self._lists) > 1:
                _key, (_fingerprint, gone) = self._lists.popitem(last=False)
                self._bytes -= gone.size


class _Turn:
    """The lock of one list: a lock itself cannot be held by a weak reference."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


_kept = KeptLists(MOST_BYTES)


def price_list(customer: User | None = None) -> PriceList:
    """Return the present list at the prices of ``customer``: one list serves all customers of a group."""
    # The fingerprint is read before the rows: a change in between gives another one, and the list is made again.
    fingerprint = catalog_fingerprint()
    key: Key = (None, None)
    if customer:
        with connection.cursor() as cursor:
            cursor.execute(_OWN_FINGERPRINT, [customer.pk])
            own = cursor.fetchone()
            if own or customer.group_id:
                cursor.execute(_PRICES_FINGERPRINT)
                fingerprint += repr((own, cursor.fetchone()))
        key = (customer.group_id, customer.pk if own else None)
    return _kept.get(key, fingerprint, lambda: make_list(customer))


def make_list(customer: User | None) -> PriceList:
    """Read every service on sale and encode the list at the prices of ``customer``."""
    on_sale = (
        Service.objects.on_sale()
        .select_related("source__provider", "category")
        .defer("source__raw", "category__description")
    )
    services = list(on_sale.order_by("category__position", "position", "id"))
    show_prices(services, customer)
    read_figures(services)
    plain = msgspec.json.encode([_entry(service) for service in services if service.shown_price is not None])
    return PriceList(
        etag=f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"',
        plain=plain,
        gzipped=gzip.compress(plain, 6, mtime=0),
        brotlied=brotli.compress(plain, quality=5),
    )


def _entry(service: Service) -> ServiceEntry:
    kind = service_type(service.type)
    assert service.shown_price is not None  # noqa: S101 - what is listed has a price
    return ServiceEntry(
        service=service.pk,
        name=service.name,
        type=kind.label if kind else service.type,
        category=service.category.name,
        rate=short(service.shown_price),
        min=str(service.min),
        max=str(service.max),
        desc=service.description,
        refill=service.allows_refill,
        cancel=service.allows_cancel,
        dripfeed=service.allows_dripfeed,
        average_time=average_time(service),
    )
