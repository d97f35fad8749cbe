"""A row of a provider's list as it is stored: cleaned, bounded, with the reasons why it must not be sold."""

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from catalog.models import Unit
from catalog.quarantine import RATE_JUMP, is_jump
from catalog.texts import CATEGORY_LIMIT, NAME_LIMIT, description_html, is_visible, plain
from upstream.messages import ServiceListRow
from upstream.service_types import PricedBy, service_type

_REASON_LIMIT = 120
_NO_NAME = "name_missing: the service has no name"


class ListedService(NamedTuple):
    """One row, its fields named as the columns of ProviderService. ``raw`` is JSON text."""

    external_id: str
    name: str
    type: str
    unit: str
    category: str
    rate: Decimal | None
    accepted_rate: Decimal | None
    held_rate: Decimal | None
    min: int | None
    max: int | None
    description: str
    refill: bool
    cancel: bool
    dripfeed: bool
    average_time: str
    position: int
    quarantine: list[str]
    digest: str
    raw: str


def listed_service(row: ServiceListRow, position: int, digest: str) -> ListedService:
    """What is stored of ``row`` if nothing was known of it: a rate nothing stands against is accepted."""
    name = plain(row.name, NAME_LIMIT)
    reasons = [reason[:_REASON_LIMIT] for reason in row.quarantine]
    if not (name and is_visible(name)) and _NO_NAME not in reasons:
        reasons.append(_NO_NAME)
    return ListedService(
        external_id=row.external_id,
        name=name,
        type=row.type or plain(row.raw_type, 40),
        unit=unit_of(row.type),
        category=_category(row.category),
        rate=row.rate,
        accepted_rate=None if reasons else row.rate,
        held_rate=None,
        min=row.min,
        max=row.max,
        description=description_html(row.description),
        refill=row.refill,
        cancel=row.cancel,
        dripfeed=row.dripfeed,
        average_time=plain(row.average_time or "", 100),
        position=position,
        quarantine=reasons,
        digest=digest,
        raw=row.raw,
    )


@lru_cache(maxsize=1024)
def _category(said: str) -> str:
    return plain(said, CATEGORY_LIMIT)


@lru_cache(maxsize=256)
def unit_of(type_name: str) -> str:
    kind = service_type(type_name)
    return Unit.PER_PACKAGE if kind and kind.priced_by is PricedBy.PACKAGE else Unit.PER_1000


def with_jump_checked(heard: ListedService, accepted_rate: Decimal | None, *, trusting: bool) -> ListedService:
    """``heard`` measured against the last accepted rate; ``trusting`` takes any rate, as a forced sync does."""
    if accepted_rate is None:
        return heard
    if heard.quarantine or heard.rate is None:
        return heard._replace(accepted_rate=accepted_rate)
    if not trusting and is_jump(accepted_rate, heard.rate):
        reason = f"{RATE_JUMP}: {accepted_rate.normalize():f} became {heard.rate.normalize():f}"
        return heard._replace(accepted_rate=accepted_rate, quarantine=[reason[:_REASON_LIMIT]])
    return heard


def with_fall_held(
    heard: ListedService, accepted_rate: Decimal | None, held_rate: Decimal | None, *, holds_falls: bool
) -> ListedService:
    """``heard`` with the rate its price is still made of, if a fall is held back."""
    standing = max((rate for rate in (accepted_rate, held_rate) if rate is not None), default=None)
    if not holds_falls or standing is None or heard.rate is None or heard.rate >= standing:
        return heard
    return heard._replace(held_rate=standing)
