"""The answer to `services`: written once per state of the catalog, kept in this process, packed once as well."""

import gzip
import hashlib
import threading
from dataclasses import dataclass

import brotli
import msgspec
from django.db import connection

from accounts.models import CustomerGroup
from api.messages import ServiceRow, short
from catalog.models import Service
from catalog.prices.group_prices import show_prices
from upstream.service_types import service_type

# A fingerprint of everything a row is made of. Each write of a row gives it a new xmin and a new place, so the sum over
# the rows of a table changes with whatever is committed, and a list read before is told from one read after. Of
# providers only the columns that count are taken: others change with every answer.
_WRITES = "SELECT (count(*), sum(hashtidextended(ctid, xmin::text::bigint)))::text FROM"
_FINGERPRINT = f"""
    SELECT ({_WRITES} catalog_service), ({_WRITES} catalog_providerservice), ({_WRITES} catalog_category),
           (SELECT md5(coalesce(string_agg(concat_ws(':', id, is_active, sale_stopped, can_refill, can_cancel), ','
                                           ORDER BY id), '')) FROM catalog_provider)
"""  # noqa: S608  # Only constants of this module are put together.
# What a group's prices are made of besides: no column of a service holds them.
_GROUP_FINGERPRINT = f"""
    SELECT ({_WRITES} catalog_markuprule), ({_WRITES} accounts_customergroup),
           (SELECT string_agg(concat_ws(':', id, exchange_rate, markup_percent), ',' ORDER BY id) FROM catalog_provider)
"""  # noqa: S608
#: Lists kept, each of another group; customers without one share one.
_MOST_KEPT = 8


@dataclass(frozen=True)
class PriceList:
    """The list as JSON, plain and packed. ``etag`` names exactly this list."""

    etag: str
    plain: bytes
    gzipped: bytes
    brotlied: bytes

    def packed_for(self, accepted: str) -> tuple[bytes, str]:
        """The body and its Content-Encoding for an Accept-Encoding header; the latter is empty for the plain one."""
        words = {word.split(";")[0].strip() for word in accepted.lower().split(",") if not _is_refused(word)}
        if "br" in words:
            return self.brotlied, "br"
        return (self.gzipped, "gzip") if "gzip" in words else (self.plain, "")


def _is_refused(word: str) -> bool:
    return word.replace(" ", "").rpartition(";q=")[2] in ("0", "0.0", "0.00", "0.000")


# By group: the fingerprint of what the list was made of, and the list. The one made longest ago comes first.
_kept: dict[int | None, tuple[str, PriceList]] = {}
_lock = threading.Lock()


def price_list(group: CustomerGroup | None = None) -> PriceList:
    """The list of now, at the prices of ``group``: one list serves all customers of a group."""
    # Asked before the rows are read: what changes in between has another name, under which it is read again.
    name = _fingerprint(group)
    if (found := _found(group, name)) is not None:
        return found
    with _lock:
        if (found := _found(group, name)) is not None:
            return found
        made = _make(group)
        _kept.pop(_id(group), None)
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[_id(group)] = (name, made)
    return made


def _found(group: CustomerGroup | None, name: str) -> PriceList | None:
    kept_name, kept = _kept.get(_id(group), ("", None))
    return kept if kept_name == name else None


def _id(group: CustomerGroup | None) -> int | None:
    return group.pk if group else None


def _fingerprint(group: CustomerGroup | None) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_FINGERPRINT)
        name = repr(cursor.fetchone())
        if group:
            cursor.execute(_GROUP_FINGERPRINT)
            name += repr(cursor.fetchone())
    return name


def _make(group: CustomerGroup | None) -> PriceList:
    on_sale = Service.objects.on_sale().select_related("source__provider", "category").defer("source__raw")
    services = list(on_sale.order_by("category__position", "position", "id"))
    show_prices(services, group)
    plain = msgspec.json.encode([_row(service) for service in services if service.shown_price is not None])
    return PriceList(
        etag=f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"',
        plain=plain,
        gzipped=gzip.compress(plain, 6, mtime=0),
        brotlied=brotli.compress(plain, quality=5),
    )


def _row(service: Service) -> ServiceRow:
    kind = service_type(service.type)
    assert service.shown_price is not None  # noqa: S101 - what is listed has a price
    return ServiceRow(
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
    )
