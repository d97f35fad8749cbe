"""What an order would cost: a pure function of the terms and of what the customer typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import ProviderService, Service
from catalog.prices.terms import Terms
from catalog.pricing import charge_for, cost_for, provider_charge_for
from catalog.shop.equivalents import origin_of
from core.money import LIMIT
from core.refusals import Refusal
from orders.checkout.checks import check
from orders.checkout.fields import BadFields, CheckedFields, FieldProblem


class ServiceUnavailable(Refusal):
    """The service does not exist, or is not sold at the moment."""

    code = "service_unavailable"


class SaleBelowCost(Refusal):
    """Selling this would lose money; the owner is alerted."""

    code = "sale_below_cost"


@dataclass(frozen=True)
class Quote:
    """What an order would cost. ``price`` is per 1,000 or per package; all but ``provider_charge`` in shop currency.

    ``origin`` is where the order would go, ``version`` names everything of the catalog that this was computed from.
    """

    service: Service
    origin: ProviderService
    fields: CheckedFields
    price: Decimal
    charge: Decimal
    cost: Decimal
    provider_charge: Decimal
    version: str


def quote_of(terms: Terms | None, fields: Mapping[str, str], *, now: datetime | None) -> Quote:
    """Return the quote. Raises ServiceUnavailable, BadFields, SaleBelowCost.

    ``now`` is only needed to check dates among the fields.
    """
    if terms is None or terms.price is None:
        raise ServiceUnavailable(_("This service is not available at the moment."))
    service, price = terms.service, terms.price
    checked = check(service, fields, today=timezone.localdate(now) if now else None)
    origin = origin_of(service, quantity=checked.quantity, most=price)
    assert origin.rate is not None  # noqa: S101 - a row without a rate is quarantined, and what is sold is not
    q = Quote(
        service=service,
        origin=origin,
        fields=checked,
        price=price,
        charge=charge_for(price, checked.total, origin.unit),
        cost=cost_for(origin.rate, origin.provider.exchange_rate, checked.total, origin.unit),
        provider_charge=provider_charge_for(origin.rate, checked.total, origin.unit),
        version=terms.version,
    )
    if max(q.charge, q.provider_charge) >= LIMIT:
        raise BadFields({"quantity": FieldProblem(_("This is more than the shop can sell in one order."))})
    if q.cost > q.charge:
        raise SaleBelowCost(_("This service cannot be ordered at the moment. Nothing was charged."))
    return q
