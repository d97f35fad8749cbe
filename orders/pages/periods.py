"""The periods to which a list can be narrowed, in the shop's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Period:
    """``name`` stands in addresses; ``days`` is how many whole days it reaches back, None for a calendar month."""

    name: str
    label: str | Promise
    days: int | None = None
    months_ago: int = 0

    def bounds(self, now: datetime) -> tuple[datetime, datetime | None]:
        """Return its first moment and the one after its last, None while it lasts."""
        today = timezone.localdate(now)
        if self.days is not None:
            return _midnight(today - timedelta(days=self.days)), None
        first = today.replace(day=1)
        for _month in range(self.months_ago):
            first = (first - timedelta(days=1)).replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
        return _midnight(first), _midnight(after) if after <= today else None


PERIODS = {
    period.name: period
    for period in (
        Period("today", _("Today"), 0),
        Period("week", _("Last 7 days"), 6),
        Period("30-days", _("Last 30 days"), 29),
        Period("90-days", _("Last 90 days"), 89),
        Period("month", _("This month")),
        Period("last-month", _("Last month"), months_ago=1),
    )
}


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
