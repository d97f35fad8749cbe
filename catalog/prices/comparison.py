"""Prices before and after a change, for the owner to see before it is kept."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from accounts.models import CustomerGroup
from catalog.models import Provider, Service
from catalog.prices.reprice import stored_prices
from catalog.prices.rulebook import RuleBook
from catalog.pricing import Markup, cost_of_unit, lowest_price, rate_for_price
from core.money import divide, multiply, round_up

MOST_SHOWN = 100
#: A row that became another product may have another unit than the stored price, which is from before.
_PRICES = """
    SELECT s.id, s.price, coalesce(p.product_before->>'unit', p.unit) FROM catalog_service AS s
    JOIN catalog_providerservice AS p ON p.id = s.source_id
"""


class UnitPrice(NamedTuple):
    price: Decimal | None
    unit: str


#: Prices by service, for everybody (None) and by the id of a group.
type Prices = Mapping[tuple[int, int | None], UnitPrice]


class Effect(NamedTuple):
    """A price that would change, with the service's cost and both margins, in percent of the price.

    ``group`` is the group of customers that pays it, empty for everybody. ``needed`` is the price that would leave the
    margin that was asked for, None if the new price does.
    """

    service_id: int
    old: Decimal | None
    new: Decimal | None
    cost: Decimal
    margin: Decimal | None
    was_margin: Decimal | None = None
    name: str = ""
    group: str = ""
    is_per_package: bool = False
    needed: Decimal | None = None

    @property
    def is_loss(self) -> bool:
        return self.margin is not None and self.margin < 0


@dataclass
class Preview:
    """``covered`` counts the services priced by a rule; ``shown`` holds the changes with the lowest margin.

    ``too_low`` counts the changes whose margin is below the one asked for. ``digest`` stands for all changes: two
    previews with the same digest would do the same to prices.
    """

    covered: int = 0
    changed: int = 0
    dearer: int = 0
    cheaper: int = 0
    unchanged: int = 0
    lowest_margin: Decimal | None = None
    lowest_was: Decimal | None = None
    too_low: int = 0
    shown: list[Effect] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    digest: str = ""


def prices_now(group_ids: Iterable[int] = ()) -> dict[tuple[int, int | None], UnitPrice]:
    """Return all stored prices, hidden services' too, and what the customers of these groups pay."""
    with connection.cursor() as cursor:
        cursor.execute(_PRICES)
        found: dict[tuple[int, int | None], UnitPrice] = {
            (pk, None): UnitPrice(price, unit) for pk, price, unit in cursor.fetchall()
        }
    for group in CustomerGroup.objects.filter(pk__in=list(group_ids)):
        book = RuleBook.now(Provider.objects.all())
        for stored in stored_prices():
            pk = stored.facts.service_id
            found[pk, group.pk] = UnitPrice(book.price(stored.facts, group).price, found[pk, None].unit)
    return found


def compare_prices(
    before: Prices, after: Prices, notes: Sequence[str] = (), least_margin: Decimal | None = None
) -> Preview:
    """Return what differs; services that were made in between had no price to change.

    Prices that leave less than ``least_margin``, in percent of the price, are shown with the price that would do.

    Prices per package and per 1,000 are not compared: a service whose unit changed had none before.
    """
    changed = {
        key: (old.price if old.unit == new.unit else None, new.price)
        for key, new in after.items()
        if (old := before.get(key)) is not None and new != old and (old.price, new.price) != (None, None)
    }
    services = Service.objects.filter(pk__in={pk for pk, _group in changed}).select_related("source__provider")
    known = services.defer("description", "source__raw", "source__description").in_bulk()
    groups = dict(CustomerGroup.objects.values_list("pk", "name")) if any(group for _pk, group in changed) else {}
    effects = []
    for (pk, group), (old_price, new_price) in changed.items():
        service, source = known[pk], known[pk].source
        rate = rate_for_price(source.rate, source.held_rate) or Decimal(0)
        cost = cost_of_unit(rate, source.provider.exchange_rate)
        margin = margin_of(new_price, cost)
        is_low = least_margin is not None and margin is not None and margin < least_margin
        effects.append(
            Effect(
                pk, old_price, new_price, cost, margin, margin_of(old_price, cost), service.name,
                groups.get(group or 0, ""), after[pk, group].unit == "per_package",
                price_for_margin(cost, least_margin) if is_low and least_margin is not None else None,
            )
        )  # fmt: skip
    found = summed(effects, unchanged=len(after) - len(effects))
    found.notes = list(notes)
    found.digest = digest_of(effects, notes)
    return found


def summed(effects: list[Effect], *, unchanged: int) -> Preview:
    """Return the counts of ``effects``, and those with the lowest margin."""
    found = Preview(changed=len(effects), unchanged=unchanged)
    found.dearer = sum(e.old is not None and e.new is not None and e.new > e.old for e in effects)
    found.cheaper = sum(e.old is not None and e.new is not None and e.new < e.old for e in effects)
    found.lowest_margin = min((e.margin for e in effects if e.margin is not None), default=None)
    found.lowest_was = min((e.was_margin for e in effects if e.was_margin is not None), default=None)
    found.too_low = sum(e.needed is not None for e in effects)
    effects.sort(key=lambda e: (e.margin if e.margin is not None else Decimal(-1), e.service_id, e.group))
    found.shown = effects[:MOST_SHOWN]
    return found


def digest_of(effects: Iterable[Effect], also: Iterable[str] = ()) -> str:
    """Return a digest of which prices change to what, and of ``also``."""
    lines = sorted(f"{e.service_id} {e.group} {_plain(e.old)} {_plain(e.new)}" for e in effects)
    return digest_of_lines([*lines, *also])


def digest_of_lines(lines: Iterable[str]) -> str:
    """Return a digest of these lines, in this order."""
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def margin_of(price: Decimal | None, cost: Decimal) -> Decimal | None:
    """Return the margin in percent of the price; None without a price."""
    return divide(multiply(price - cost, 100), price) if price else None


def price_for_margin(cost: Decimal, margin: Decimal) -> Decimal:
    """Return the lowest price that leaves ``margin``, in percent of the price, rounded up to the quantum."""
    return round_up(lowest_price(cost, Markup(minimum_margin=margin)))


def _plain(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"
