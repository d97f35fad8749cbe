"""From a customer's wish to an order whose money is reserved: one transaction, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing import ledger
from catalog.group_prices import price_for
from catalog.models import ProviderService, Service
from catalog.moving import origin_of
from catalog.pricing import charge_for, cost_for, provider_charge_for
from catalog.queries import sellable
from core.money import LIMIT
from core.refusals import Refusal
from notices.alerts import raise_alert
from notices.models import Severity
from orders import lifecycle
from orders.checks import BadFields, Problem, Wish, check
from orders.doorbell import FORWARD, ring_on_commit
from orders.models import EventKind, Order


class ServiceUnavailable(Refusal):
    """The service does not exist, or is not sold at the moment."""

    code = "service_unavailable"


class PriceMoved(Refusal):
    """The charge is higher than the one the customer saw; nothing was bought. ``quote`` holds the new one."""

    code = "price_moved"

    def __init__(self, quote: "Quote") -> None:
        self.quote = quote
        super().__init__(_("The price changed while you were typing. Check the new price and place the order again."))


class SaleBelowCost(Refusal):
    """Selling this would lose money; the owner was told."""

    code = "sale_below_cost"


@dataclass(frozen=True)
class Quote:
    """What an order would cost. ``price`` is per 1,000 or per package; all but ``provider_charge`` in shop currency.

    ``origin`` is where the order would go.
    """

    service: Service
    origin: ProviderService
    wish: Wish
    price: Decimal
    charge: Decimal
    cost: Decimal
    provider_charge: Decimal


@dataclass(frozen=True)
class Placement:
    """``is_repeat`` when the nonce had been used: ``order`` is then the first one, and nothing was charged again."""

    order: Order
    is_repeat: bool = False


def quote(
    *, service_id: int, fields: Mapping[str, str], customer: User | None = None, now: datetime | None = None
) -> Quote:
    """What this order would cost now, for ``customer`` at the prices of their group.

    ``now`` is only needed to judge dates among the fields. Raises ServiceUnavailable, BadFields, SaleBelowCost; writes
    nothing.
    """
    service = _service_on_sale(service_id)
    wish = check(service, fields, today=timezone.localdate(now) if now else None)
    price = price_for(service, customer.group if customer else None)
    assert price is not None  # noqa: S101 - what is on sale has a price
    source = origin_of(service, quantity=wish.quantity, most=price)
    assert source.rate is not None  # noqa: S101 - and a rate, or it would be quarantined
    q = Quote(
        service=service,
        origin=source,
        wish=wish,
        price=price,
        charge=charge_for(price, wish.total, source.unit),
        cost=cost_for(source.rate, source.provider.exchange_rate, wish.total, source.unit),
        provider_charge=provider_charge_for(source.rate, wish.total, source.unit),
    )
    if max(q.charge, q.provider_charge) >= LIMIT:
        raise BadFields({"quantity": Problem(_("This is more than the shop can sell in one order."))})
    if q.cost > q.charge:
        raise SaleBelowCost(_("This service cannot be ordered at the moment. Nothing was charged."))
    return q


def place_order(
    *,
    customer: User,
    service_id: int,
    fields: Mapping[str, str],
    shown_charge: Decimal | None = None,
    nonce: str | None = None,
    source: str = "web",
    now: datetime,
) -> Placement:
    """Buy: price, checks, order and hold in one transaction; the doorbell rings when it is committed.

    ``fields`` are the provider API's own names (link, quantity, comments, …). A repeated ``nonce`` of the same customer
    returns the first order. With ``shown_charge`` a higher charge buys nothing. Raises ServiceUnavailable, BadFields,
    PriceMoved, SaleBelowCost, NotEnoughMoney, WalletFrozen; each leaves nothing behind.
    """
    if nonce and (first := _order_of_nonce(customer, nonce)):
        return Placement(first, is_repeat=True)
    try:
        with transaction.atomic():
            q = quote(service_id=service_id, fields=fields, customer=customer, now=now)
            if shown_charge is not None and q.charge > shown_charge:
                raise PriceMoved(q)
            order = _write(customer, q, nonce, source, now)
    except SaleBelowCost:
        _tell_owner_of_loss(service_id, now)
        raise
    except IntegrityError:
        # A twin with the same nonce won the race between our look and our insert.
        if nonce and (first := _order_of_nonce(customer, nonce)):
            return Placement(first, is_repeat=True)
        raise
    return Placement(order)


def _service_on_sale(service_id: int) -> Service:
    # One query, so that price, rate and exchange rate come from one snapshot.
    service = sellable(service_id)
    if service is None:
        raise ServiceUnavailable(_("This service is not available at the moment."))
    return service


def _order_of_nonce(customer: User, nonce: str) -> Order | None:
    return Order.objects.filter(customer=customer, nonce=nonce).first()


def _write(customer: User, q: Quote, nonce: str | None, source: str, now: datetime) -> Order:
    origin = q.origin
    order = Order.objects.create(
        customer=customer,
        service=q.service,
        provider=origin.provider,
        external_service_id=origin.external_id,
        service_name=q.service.name,
        service_type=origin.type,
        unit=origin.unit,
        link=q.wish.link,
        quantity=q.wish.quantity,
        runs=q.wish.runs,
        interval=q.wish.interval,
        total=q.wish.total,
        fields=q.wish.sent,
        price=q.price,
        charge=q.charge,
        expected_cost=q.cost,
        expected_charge=q.provider_charge,
        provider_currency=origin.provider.currency,
        nonce=nonce,
        source=source,
        created_at=now,
        next_at=now,
    )
    ledger.hold(wallet=ledger.wallet_of(customer), reference=order.reference, amount=order.charge)
    lifecycle.note(order_id=order.pk, kind=EventKind.ACCEPTED, now=now, detail={"source": source}, actor=customer.email)
    ring_on_commit(FORWARD)
    return order


def _tell_owner_of_loss(service_id: int, now: datetime) -> None:
    raise_alert(
        cause=f"service:{service_id}:below_cost",
        severity=Severity.MONEY,
        title=_("Service %(id)s costs more than its price") % {"id": service_id},
        body=_(
            "An order was refused because it would have lost money. Check the price, the markup and the exchange rate."
        ),
        path=f"/admin/catalog/service/{service_id}/change/",
        now=now,
    )
