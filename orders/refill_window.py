"""From when and until when a refill of an order can be asked for: the terms it was placed with, once it has ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.templatetags.shop import duration_text
from orders.models import Order


@dataclass(frozen=True)
class RefillWindow:
    """``opens`` and ``ends`` are None without such a limit; orders of earlier versions have neither."""

    now: datetime
    opens: datetime | None = None
    ends: datetime | None = None

    @property
    def is_early(self) -> bool:
        return self.opens is not None and self.now < self.opens

    @property
    def is_late(self) -> bool:
        return self.ends is not None and self.now >= self.ends

    @property
    def is_open(self) -> bool:
        return not (self.is_early or self.is_late)

    @property
    def text(self) -> str:
        """What the page of an order says: until when, from when, or since when no more. Empty without a limit."""
        if self.is_early and self.opens is not None:
            return _("Refill opens in %(span)s") % {"span": duration_text(self.opens - self.now)}
        if self.ends is None:
            return ""
        words = {"day": _day(self.ends, self.now)}
        return _("Refill ended on %(day)s") % words if self.is_late else _("Refill until %(day)s") % words

    @property
    def refusal(self) -> str:
        """Why a refill is refused outside the window, and what to do."""
        if self.is_early and self.opens is not None:
            return _("Refill opens in %(span)s. Ask again then.") % {"span": duration_text(self.opens - self.now)}
        words = {"day": _day(self.ends or self.now, self.now)}
        return _("This order could be refilled until %(day)s. That time is over.") % words


def refill_window(order: Order, *, now: datetime) -> RefillWindow:
    """Return the window of a completed ``order``; without limits if none were promised or it has not ended."""
    done = order.finished_at
    if done is None:
        return RefillWindow(now)
    opens = done + timedelta(hours=order.refill_opens_hours) if order.refill_opens_hours else None
    ends = done + timedelta(days=order.refill_days) if order.refill_days else None
    return RefillWindow(now, opens, ends)


def _day(at: datetime, now: datetime) -> str:
    """The day in the shop's time zone, with its year if that is another than now."""
    local = timezone.localtime(at)
    return date_format(local, "j M" if local.year == timezone.localtime(now).year else "j M Y")
