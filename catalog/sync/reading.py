"""A row of a provider's list as it is stored: cleaned, bounded, with the reasons why it must not be sold."""

import json
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from catalog.models import Unit
from catalog.quarantine import OTHER_PRODUCT, RATE_JUMP, is_jump
from catalog.refill_terms import RefillTerms, refill_terms
from catalog.sync.same_product import Product, what_differs
from catalog.texts import CATEGORY_LIMIT, NAME_LIMIT, description_html, is_visible, plain, readable
from core.countries import COUNTRIES
from upstream.coded_fields import codes_of
from upstream.messages import ServiceListRow
from upstream.service_types import PricedBy, service_type

_REASON_LIMIT = 120
#: Codes of countries that a description may name; WW is all of them.
_COUNTRIES = frozenset(COUNTRIES) | {"WW", "UK", "EU"}
_NO_REFILL = RefillTerms()
_NO_NAME = "name_missing: the service has no name"


class ListedService(NamedTuple):
    """One row, its fields named as the columns of ProviderService. ``raw``, ``codes``, ``product_before`` are JSON."""

    external_id: str
    name: str
    type: str
    unit: str
    category: str
    rate: Decimal | None
    accepted_rate: Decimal | None
    held_rate: Decimal | None
    product_before: str | None
    min: int | None
    max: int | None
    description: str
    refill: bool
    cancel: bool
    dripfeed: bool
    average_time: str
    refill_days: int
    refill_opens_hours: int
    codes: str
    position: int
    quarantine: list[str]
    digest: str
    raw: str


def listed_service(row: ServiceListRow, position: int, digest: str) -> ListedService:
    """Return what is stored of a new ``row``; its rate counts as accepted unless there is a reason for quarantine."""
    name = plain(row.name, NAME_LIMIT)
    reasons = [reason[:_REASON_LIMIT] for reason in row.quarantine]
    if not is_visible(readable(row.name, NAME_LIMIT)) and _NO_NAME not in reasons:
        reasons.append(_NO_NAME)
    description = description_html(row.description)
    terms = refill_terms(name, description) if row.refill else _NO_REFILL
    return ListedService(
        external_id=row.external_id,
        name=name,
        type=row.type or plain(row.raw_type, 40),
        unit=unit_of(row.type),
        category=_category(row.category),
        rate=row.rate,
        accepted_rate=None if reasons else row.rate,
        held_rate=None,
        product_before=None,
        min=row.min,
        max=row.max,
        description=description,
        refill=row.refill,
        cancel=row.cancel,
        dripfeed=row.dripfeed,
        average_time=plain(row.average_time or "", 100),
        refill_days=terms.days,
        refill_opens_hours=terms.opens_hours,
        codes=_codes(row) if row.type == "web_traffic" else "{}",
        position=position,
        quarantine=reasons,
        digest=digest,
        raw=row.raw,
    )


def _codes(row: ServiceListRow) -> str:
    """The codes that the row names for its coded fields, as JSON text."""
    codes = codes_of(row.type, json.loads(row.raw), row.description, _COUNTRIES)
    return json.dumps(codes).replace("\\u0000", "")


@lru_cache(maxsize=1024)
def _category(text: str) -> str:
    return plain(text, CATEGORY_LIMIT)


@lru_cache(maxsize=256)
def unit_of(type_name: str) -> str:
    kind = service_type(type_name)
    return Unit.PER_PACKAGE if kind and kind.priced_by is PricedBy.PACKAGE else Unit.PER_1000


def quarantine_jump(listed: ListedService, accepted_rate: Decimal | None, *, trusting: bool) -> ListedService:
    """Return ``listed``, in quarantine if its rate jumped from the last accepted one.

    ``trusting`` accepts any rate, as a forced sync does.
    """
    if accepted_rate is None:
        return listed
    if listed.quarantine or listed.rate is None:
        return listed._replace(accepted_rate=accepted_rate)
    if not trusting and is_jump(accepted_rate, listed.rate):
        reason = f"{RATE_JUMP}: {accepted_rate.normalize():f} became {listed.rate.normalize():f}"
        return listed._replace(accepted_rate=accepted_rate, quarantine=[reason[:_REASON_LIMIT]])
    return listed


def quarantine_other_product(listed: ListedService, before: Product, rate: Decimal | None) -> ListedService:
    """Return ``listed``, in quarantine if it is another product than ``before``, which was sold at ``rate``.

    No forced sync accepts that: the owner looks at both rows and accepts the new one, or leaves it off sale.
    """
    now = Product(listed.name, listed.type, listed.unit, listed.category)
    difference = what_differs(before, now)
    if not difference:
        return listed
    kept = json.dumps({**before._asdict(), "rate": None if rate is None else f"{rate.normalize():f}"})
    return listed._replace(
        quarantine=[*listed.quarantine, f"{OTHER_PRODUCT}: {difference}"[:_REASON_LIMIT]], product_before=kept
    )


def hold_fall(
    listed: ListedService, accepted_rate: Decimal | None, held_rate: Decimal | None, *, holds_falls: bool
) -> ListedService:
    """Return ``listed`` with the higher rate that its price is still made of, if a fall is held back."""
    standing = max((rate for rate in (accepted_rate, held_rate) if rate is not None), default=None)
    if not holds_falls or standing is None or listed.rate is None or listed.rate >= standing:
        return listed
    return listed._replace(held_rate=standing)
