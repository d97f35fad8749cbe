"""The provider has what somebody called "not placed"."""

from datetime import datetime

from django.utils.translation import gettext as _

from notices.alerts import raise_alert
from notices.models import Severity
from orders.models import ForwardAttempt


def tell(attempt_id: int, upstream_id: str, *, now: datetime) -> None:
    """An id that can only be of an order that somebody called "not placed": it was bought, perhaps twice."""
    attempt = ForwardAttempt.objects.select_related("order").get(pk=attempt_id)
    raise_alert(
        cause=f"order:{attempt.order_id}:contradiction",
        severity=Severity.MONEY,
        title=_("An order that was called not placed seems to be placed"),
        body=_("Order %(order)s: the provider has the number %(id)s, which fits nothing else.")
        % {"order": attempt.order, "id": upstream_id},
        path=f"/admin/orders/order/{attempt.order_id}/change/",
        now=now,
    )
