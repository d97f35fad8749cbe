"""What is ordered through an API key each day, and the limit on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiKey, ApiKeyUse
from core.prepared import Part
from core.refusals import Refusal

#: Counts an order in the statement that places it: from the part ``placed``, which has one row if it was placed, and
#: the value ``charge``. The constraints of the row refuse an order that passes the key's limit, however many are placed
#: at once: each waits for the row, and counts on from what the one before it left.
_COUNT = """
    INSERT INTO accounts_apikeyuse AS use (key_id, day, orders, spent, most)
    SELECT k.id, (statement_timestamp() AT TIME ZONE %(zone)s::text)::date, 1, %(charge)s::numeric, k.daily_limit
    FROM placed, accounts_apikey k WHERE k.id = %(api_key_id)s::bigint
    ON CONFLICT ON CONSTRAINT api_key_use_once_a_day DO UPDATE
    SET orders = use.orders + 1, spent = use.spent + excluded.spent, most = excluded.most
"""


#: Days that the page of a key shows.
DAYS = 30


class DailyLimitReached(Refusal):
    """The order would pass the daily limit of its API key. Nothing was placed."""

    code = "daily_limit_reached"


def counted(key_id: int) -> Part:
    """Return the part of the placing statement that counts its order for this key."""
    return Part(_COUNT, {"zone": settings.TIME_ZONE, "api_key_id": str(key_id)})


def refusal_of(problem: IntegrityError) -> Refusal | None:
    """Return the refusal behind a database error that :func:`counted` met, None for any other error."""
    constraint = getattr(getattr(problem.__cause__, "diag", None), "constraint_name", None)
    if constraint != "api_key_within_daily_limit":
        return None
    return DailyLimitReached(_("This order would pass the daily limit of the API key."))


@dataclass(frozen=True)
class KeyUse:
    """What was ordered through a key: today, and on each of the last 30 days that had an order, the newest first."""

    orders_today: int
    spent_today: Decimal
    days: Sequence[ApiKeyUse]

    @property
    def orders(self) -> int:
        return sum(day.orders for day in self.days)

    @property
    def spent(self) -> Decimal:
        return sum((day.spent for day in self.days), Decimal(0))


def use_of(key: ApiKey, *, now: datetime) -> KeyUse:
    """Return the use of a key, by days of the shop's time zone."""
    today = timezone.localdate(now, timezone.get_default_timezone())
    days = list(ApiKeyUse.objects.filter(key=key, day__gt=today - timedelta(days=DAYS)).order_by("-day"))
    first = days[0] if days and days[0].day == today else None
    return KeyUse(first.orders if first else 0, first.spent if first else Decimal(0), days)
