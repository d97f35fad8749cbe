"""The answer to `services`: made and compressed once for each state of the catalog, and kept in this process."""

import gzip
import hashlib
import threading
from dataclasses import dataclass

import brotli
import msgspec
from django.db import connection

from accounts.models import CustomerGroup
from api.messages import ServiceEntry, short
from catalog.facts.reading import average_time, read_figures
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from catalog.shop.fingerprint import WRITES, catalog_fingerprint
from upstream.service_types import service_type

# What a group's prices are made of besides: no column of a service holds them.
_GROUP_FINGERPRINT = f"""
    SELECT ({WRITES} catalog_markuprule), ({WRITES} accounts_customergroup),
           (SELECT string_agg(concat_ws(':', id, exchange_rate, markup_percent), ',' ORDER BY id) FROM catalog_provider)
"""  # noqa: S608
#: What a client writes of an encoding that it does not accept.
_NOT_ACCEPTED = ("q=0", "q=0.0", "q=0.00", "q=0.000")
#: Lists kept, each of another group; customers without one share one.
_LIMIT = 8


@dataclass(frozen=True)
class PriceList:
    """The list as JSON, plain and compressed. ``etag`` names exactly this list."""

    etag: str
    plain: bytes
    gzipped: bytes
    brotlied: bytes

    def packed_for(self, accepted: str) -> tuple[bytes, str]:
        """The body and its Content-Encoding for an Accept-Encoding header; the latter is empty for the plain one."""
        offers = [word.replace(" ", "").partition(";") for word in accepted.lower().split(",")]
        words = {name for name, _semicolon, weight in offers if weight not in _NOT_ACCEPTED}
        if "br" in words:
            return self.brotlied, "br"
        return (self.gzipped, "gzip") if "gzip" in words else (self.plain, "")


# By group: the fingerprint of what the list was made of, and the list. The one made longest ago comes first.
_kept: dict[int | None, tuple[str, PriceList]] = {}
_lock = threading.Lock()


def price_list(group: CustomerGroup | None = None) -> PriceList:
    """Return the present list at the prices of ``group``: one list serves all customers of a group."""
    # The fingerprint is read before the rows: a change in between gives another one, and the list is made again.
    fingerprint = catalog_fingerprint()
    if group:
        with connection.cursor() as cursor:
            cursor.execute(_GROUP_FINGERPRINT)
            fingerprint += repr(cursor.fetchone())
    key = group.pk if group else None
    if (kept := _kept.get(key)) is not None and kept[0] == fingerprint:
        return kept[1]
    with _lock:
        # Another thread may have made it meanwhile.
        if (kept := _kept.get(key)) is not None and kept[0] == fingerprint:
            return kept[1]
        made = make_list(group)
        _kept.pop(key, None)
        while len(_kept) >= _LIMIT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = (fingerprint, made)
    return made


def make_list(group: CustomerGroup | None) -> PriceList:
    """Read every service on sale and encode the list at the prices of ``group``."""
    on_sale = (
        Service.objects.on_sale()
        .select_related("source__provider", "category")
        .defer("source__raw", "category__description")
    )
    services = list(on_sale.order_by("category__position", "position", "id"))
    show_prices(services, group)
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
