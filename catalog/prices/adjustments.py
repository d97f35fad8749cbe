"""Prices of many services, raised or lowered by a percentage as one change that can be undone."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from functools import reduce
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext as _

from catalog.bulk import copy_rows
from catalog.locks import lock_all_providers
from catalog.models import Category, ChangeKind, PriceAdjustment, Provider, Service
from catalog.models.adjustment import LEAST_FACTOR, MOST_FACTOR
from catalog.prices.comparison import price_for_margin
from catalog.prices.reprice import changed_prices, stored_prices, write_prices
from catalog.prices.rulebook import RuleBook
from catalog.pricing import cost_of_unit
from catalog.service_changes import recording_as_one
from core.money import EXACT, divide
from core.refusals import Refusal

#: Bounds of all adjustments of one service together.
_LEAST_TOGETHER, _MOST_TOGETHER = Decimal("0.01"), Decimal(1000)
_PLACES = Decimal(1).scaleb(-18)
_CENT, _FACTOR_STEP = Decimal("0.01"), Decimal("0.0001")
# mine: the services of one adjustment; every: all adjustments that these services are in.
_FACTORS = """
    SELECT mine.service_id, array_agg(coalesce(every.factor, a.factor)) FILTER (WHERE a.id IS NOT NULL)
    FROM catalog_adjustedservice AS mine
    JOIN catalog_adjustedservice AS every ON every.service_id = mine.service_id
    LEFT JOIN catalog_priceadjustment AS a ON a.id = every.adjustment_id AND a.undone_at IS NULL
    WHERE mine.adjustment_id = %s GROUP BY mine.service_id
"""
_SET = """
    UPDATE catalog_service SET price_factor = new.factor
    FROM unnest(%s::bigint[], %s::numeric[]) AS new (id, factor)
    WHERE catalog_service.id = new.id AND catalog_service.price_factor <> new.factor
"""


class NotAdjustable(Refusal):
    """No service was chosen, or the change is too large."""

    code = "not_adjustable"


class Adjusted(NamedTuple):
    """The adjustment, and how many prices it changed, those of hidden services included."""

    adjustment: PriceAdjustment
    changed: int


def factor_of(percent: Decimal) -> Decimal:
    """Return 1.05 for 5 %. Raises NotAdjustable for 0, more than two places, or a change that is too large."""
    factor = 1 + percent / 100
    if percent != percent.quantize(_CENT) or factor == 1 or not LEAST_FACTOR <= factor <= MOST_FACTOR:
        raise NotAdjustable(_("Enter a percentage from −90 to 1,000 with at most two places, and not 0."))
    return factor


def factors_for_margin(ids: Iterable[int], margin: Decimal) -> dict[int, Decimal]:
    """Return for each service the lowest factor of a new adjustment that leaves ``margin``, in percent of the price.

    Services without a rate or with an own price are left out. Raises NotAdjustable if a factor would be too large.
    """
    providers = list(Provider.objects.all())
    book, exchange = RuleBook.now(providers), {provider.pk: provider.exchange_rate for provider in providers}
    found = {}
    for stored in stored_prices(pk__in=list(ids), own_price=None):
        facts = stored.facts
        usual = book.unadjusted(facts)
        if usual is None or facts.rate is None:
            continue
        needed = price_for_margin(cost_of_unit(facts.rate, exchange[facts.provider_id]), margin)
        factor = divide(needed, EXACT.multiply(usual, facts.factor))
        found[facts.service_id] = factor.quantize(_FACTOR_STEP, rounding=ROUND_CEILING, context=EXACT)
    if not all(LEAST_FACTOR <= factor <= MOST_FACTOR for factor in found.values()):
        raise NotAdjustable(_("That margin would need more than eleven times a price, or less than a tenth."))
    return found


def adjust(
    ids: Iterable[int],
    percent: Decimal,
    *,
    name: str,
    by: str,
    now: datetime,
    reason: str = "",
    own_factors: Mapping[int, Decimal] | None = None,
) -> Adjusted:
    """Raise or lower what the rules give for these services by ``percent``, until it is undone.

    ``own_factors`` are other factors for single services of them. Own prices stay. Customers read one update. Raises
    NotAdjustable.
    """
    factor, own = factor_of(percent), own_factors or {}
    with transaction.atomic():
        lock_all_providers()
        chosen = dict(Service.objects.filter(pk__in=list(ids)).order_by("pk").values_list("pk", "category_id"))
        if not chosen:
            raise NotAdjustable(_("Choose at least one service."))
        categories = set(chosen.values())
        category = Category.objects.get(pk=categories.pop()) if len(categories) == 1 else None
        made = PriceAdjustment.objects.create(
            name=name[:250], category=category, factor=factor, reason=reason[:500], by=by, at=now
        )
        rows = ((made.pk, pk, own.get(pk)) for pk in chosen)
        copy_rows("catalog_adjustedservice", ("adjustment_id", "service_id", "factor"), rows)
        return Adjusted(made, _apply(made, list(chosen), factor, now))


def undo(adjustment_id: int, *, by: str, now: datetime) -> Adjusted | None:
    """End the adjustment: prices are what rules and other adjustments give now. None if it has ended already."""
    with transaction.atomic():
        lock_all_providers()
        adjustment = PriceAdjustment.objects.select_for_update(of=("self",)).filter(undone_at=None)
        made = adjustment.filter(pk=adjustment_id).first()
        if made is None:
            return None
        made.undone_by, made.undone_at = by, now
        made.save(update_fields=["undone_by", "undone_at"])
        ids = list(made.services.values_list("pk", flat=True))
        return Adjusted(made, _apply(made, ids, divide(Decimal(1), made.factor), now))


def _apply(adjustment: PriceAdjustment, ids: list[int], by_factor: Decimal, now: datetime) -> int:
    """Write the services' factors and prices, and one update; return how many prices changed."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTORS, [adjustment.pk])
        factors = {pk: _product(live or []) for pk, live in cursor.fetchall()}
        if not all(_LEAST_TOGETHER <= factor <= _MOST_TOGETHER for factor in factors.values()):
            raise NotAdjustable(
                _("With other adjustments of these services, a price would be over 1,000 times or under a hundredth.")
            )
        cursor.execute(_SET, [list(factors), list(factors.values())])
    kind = ChangeKind.DEARER if by_factor > 1 else ChangeKind.CHEAPER
    percent = EXACT.multiply(by_factor - 1, 100).quantize(_CENT)
    changed = changed_prices(lock_all_providers(), pk__in=ids)
    if changed:
        with recording_as_one(ids, kind, now=now, category=adjustment.category, percent=percent):
            write_prices(changed)
    return len(changed)


def _product(factors: Iterable[Decimal]) -> Decimal:
    """The factors multiplied, exact up to 18 places and rounded up beyond."""
    product = reduce(EXACT.multiply, factors, Decimal(1))
    return product.quantize(_PLACES, rounding=ROUND_CEILING, context=EXACT)
