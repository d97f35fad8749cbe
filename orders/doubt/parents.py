"""Drip-feeds and subscriptions, whose runs and posts appear as ids of their own."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from catalog.models import Provider, ProviderService
from catalog.pricing import provider_charge_for
from orders.doubt.picture import Parent
from orders.models import ForwardAttempt, Order, OwnId
from orders.models.order import PARENTS, SUBSCRIPTIONS
from orders.own_ids import number_of
from orders.states import Explanation, Outcome, Shape

#: How far back ended parents still matter.
_REMEMBERED = timedelta(hours=48)


def shape_of_order(order: Order) -> Shape:
    """Return the shape that an answer about this order has, unless a drip-feed is shown as one plain order."""
    if order.service_type == SUBSCRIPTIONS:
        return Shape.SUBSCRIPTION
    return Shape.DRIP if order.runs else Shape.PLAIN


def is_parent(order: Order) -> bool:
    """True for a drip-feed or a subscription, whose runs appear as orders of their own."""
    return shape_of_order(order) is not Shape.PLAIN


def charges_of_runs(order: Order) -> tuple[Decimal, Decimal]:
    """Return what one run costs at least and at most, in the provider's currency."""
    if order.runs:
        return order.expected_charge / order.runs, order.expected_charge / order.runs
    source = ProviderService.objects.filter(provider_id=order.provider_id, external_id=order.external_service_id)
    rate = source.values_list("rate", flat=True).first()
    if rate is None:
        return Decimal(0), Decimal("1e12")
    least, most = (int(order.fields.get(name) or 1) for name in ("min", "max"))
    return provider_charge_for(rate, least, order.unit), provider_charge_for(rate, most, order.unit)


def parents_at(provider: Provider, rows: list[ForwardAttempt], now: datetime) -> tuple[Parent, ...]:
    """Return the parents in doubt among ``rows``, and the attached ones that are open or ended lately.

    A provider may list the runs of one that has ended late.
    """
    in_doubt = [row for row in rows if row.outcome != Outcome.NOT_PLACED and is_parent(row.order)]
    parents = [Parent(a.pk, (a.sent_at or a.claimed_at).timestamp(), *charges_of_runs(a.order)) for a in in_doubt]
    open_ones = Q(finished_at=None) | Q(finished_at__gte=now - _REMEMBERED)
    orders = list(Order.objects.filter(PARENTS, open_ones, provider=provider).values_list("pk", flat=True))
    placed = ForwardAttempt.objects.filter(order__in=orders, outcome=Outcome.PLACED).select_related("order")
    lists_children = OwnId.objects.filter(provider=provider, explained=Explanation.CHILD).exists()
    for attempt in placed:
        order, polled_at = attempt.order, attempt.order.answered_at if lists_children else None
        known = OwnId.objects.filter(parent=order).count() if order.runs else 0
        parent = Parent(
            attempt.pk,
            (attempt.sent_at or attempt.claimed_at).timestamp(),
            *charges_of_runs(order),
            number=number_of(attempt.upstream_id or ""),
            polled_at=polled_at.timestamp() if polled_at else None,
            is_complete=bool(order.runs) and known >= (order.runs or 0),
        )
        parents.append(parent)
    return tuple(parents)
