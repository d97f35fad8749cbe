"""What waits for the owner: open alerts, orders in doubt, parked providers, a queue or a process that stands still."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, DecimalField, F, Min, Q, Sum
from django.db.models.functions import Coalesce

from catalog.models import Provider
from notices.heartbeats import last_beats
from notices.models import Alert
from orders.models import Order
from orders.pages.stuck import Stuck, stuck
from orders.states import Forward

ALERTS_SHOWN = 5
_DOUBT = Q(forward_state__in=[Forward.IN_DOUBT, Forward.REVIEW])
_QUEUED = Q(forward_state=Forward.QUEUED)


@dataclass(frozen=True)
class Attention:
    """Ages are None where there is nothing."""

    alerts: list[Alert]
    alert_count: int
    doubts: int
    doubt_money: Decimal
    oldest_doubt: timedelta | None
    to_look_at: int
    parked: list[Provider]
    stuck: Stuck
    queued: int
    oldest_queued: timedelta | None
    beats: list[tuple[str, timedelta]]

    @property
    def needs_decision(self) -> bool:
        return bool(self.alert_count or self.doubts or self.to_look_at or self.parked or self.stuck)


def attention(*, now: datetime) -> Attention:
    """Return what the first page of the admin shows, in a few small queries.

    A queued order is as old as its time to be sent, which a try that failed puts off.
    """
    money = DecimalField(max_digits=20, decimal_places=5)
    waiting = Order.objects.filter(_DOUBT | _QUEUED).aggregate(
        doubts=Count("pk", filter=_DOUBT),
        money=Coalesce(Sum(F("charge") - F("refunded"), filter=_DOUBT), Decimal(0), output_field=money),
        doubt_since=Min(Coalesce("sent_at", "created_at"), filter=_DOUBT),
        queued=Count("pk", filter=_QUEUED),
        queued_since=Min("next_at", filter=_QUEUED),
    )
    open_alerts = Alert.objects.filter(closed_at=None)
    return Attention(
        alerts=list(open_alerts.order_by("-last_at", "-id")[:ALERTS_SHOWN]),
        alert_count=open_alerts.count(),
        doubts=waiting["doubts"],
        doubt_money=waiting["money"],
        oldest_doubt=_age(waiting["doubt_since"], now),
        to_look_at=Order.objects.exclude(needs_review="").count(),
        parked=list(Provider.objects.filter(parked_at__isnull=False, is_active=True).order_by("parked_at")),
        stuck=stuck(now=now),
        queued=waiting["queued"],
        oldest_queued=_age(waiting["queued_since"], now),
        beats=[(part, now - at) for part, at in sorted(last_beats().items())],
    )


def _age(since: datetime | None, now: datetime) -> timedelta | None:
    """How long ago ``since`` was; 0 while it is still to come."""
    return None if since is None else max(now - since, timedelta(0))
