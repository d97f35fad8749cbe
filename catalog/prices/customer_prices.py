"""What single customers were promised: a fixed price for a service, or a percentage off the list for a category.

A customer's price for the service comes first, then the percentage for its category, then the customer's group, then
the list. In any case the price is at least the cost in force.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from catalog.models import CustomerPrice, Service
from catalog.pricing import cost_of_unit, rate_for_price
from core.money import divide, multiply, round_up
from core.staff_actions import Actor, Change, record_staff_changes

#: True in a query for what counts now.
IN_FORCE = Q(ends_at=None) | Q(ends_at__gt=Now())
HAS_ENDED = Q(ends_at__lte=Now())


def last_day(ends_at: datetime) -> date | None:
    """Return the day at whose end a price ends; None if it ends in the middle of a day."""
    local = timezone.localtime(ends_at)
    return local.date() - timedelta(days=1) if local.time() == time.min else None


def until_text(ends_at: datetime) -> str:
    """Return ``31 Dec 2026`` for a price that counts for the whole of that day, else the moment at which it ends."""
    day = last_day(ends_at)
    return date_format(day, "j M Y") if day else date_format(timezone.localtime(ends_at), "j M Y H:i")


@dataclass(frozen=True)
class OwnPrices:
    """Fixed prices by service and percentages off by category, of one customer."""

    prices: Mapping[int, Decimal]
    percents: Mapping[int, Decimal]

    def __bool__(self) -> bool:
        return bool(self.prices or self.percents)

    def of(self, service: Service) -> Decimal | None:
        """Return the customer's own price of ``service``; None if nothing was promised for it."""
        return own_price(service, self.prices.get(service.pk), self.percents.get(service.category_id))


def own_prices_of(customer: User) -> OwnPrices:
    """Return what this customer was promised and is in force, by one query."""
    rows = CustomerPrice.objects.filter(IN_FORCE, customer=customer)
    found = list(rows.values_list("service_id", "category_id", "price", "percent"))
    prices = {service: price for service, _category, price, _percent in found if service and price is not None}
    percents = {category: percent for _service, category, _price, percent in found if category and percent is not None}
    return OwnPrices(prices, percents)


def own_price(service: Service, price: Decimal | None, percent: Decimal | None) -> Decimal | None:
    """Return the price that ``price``, else ``percent`` off the list, makes; None if both are None, or nothing can.

    It is in the shop's currency, per 1,000 or per package, and never below the cost. Source and provider are read with
    the service.
    """
    if price is not None:
        wanted = price
    elif percent is not None and service.price is not None:
        wanted = divide(multiply(service.price, 100 - percent), 100)
    else:
        return None
    rate = rate_for_price(service.source.rate, service.source.held_rate)
    if rate is None:
        return None
    return round_up(max(wanted, cost_of_unit(rate, service.source.provider.exchange_rate)))


def end_fixed_prices(source_ids: Collection[int], *, actor: Actor) -> int:
    """Delete the fixed prices of what is sold from these rows, whose unit changed; return how many there were.

    Each gets a line in the staff's log, in the caller's transaction. Percentages off a category stay.
    """
    rows = list(
        CustomerPrice.objects.filter(service__source__in=source_ids)
        .select_related("customer", "service")
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    changes = [Change(row, {"price": row.price, "ends_at": row.ends_at}, {}) for row in rows]
    record_staff_changes(actor, "customer_price.end", changes, reason="The service is sold in another unit.")
    CustomerPrice.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)
