"""How an order compares with what is usual for its service, as measured in this shop."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from catalog.facts.reading import ServiceTimes, times_of
from core.templatetags.shop import duration_text, num
from orders.models import Order
from orders.pages.situations import Situation
from orders.states import Progress

#: Situations of an order that has not begun, and that nothing keeps back.
_WAITING = (Situation.SOON, Situation.LATE, Situation.SENDING, Situation.ACCEPTED)
_MINUTE = timedelta(minutes=1)
#: Fewer units say nothing about the pace.
_LEAST_UNITS = 100


@dataclass(frozen=True)
class TimeBeside:
    """How long a part of an order took, and what is usual for so many units; None where either is not known."""

    own: timedelta | None
    usual: timedelta | None


@dataclass(frozen=True)
class TimesBeside:
    starts: TimeBeside
    takes: TimeBeside


def times_beside_usual(order: Order) -> TimesBeside | None:
    """Return the times of an order that the supplier has, with the usual ones; None for a drip-feed or subscription.

    No query if the service came with its figures.
    """
    if order.may_have_children or order.placed_at is None:
        return None
    times, began = times_of(order.service), order.started_at
    is_whole = order.progress == Progress.COMPLETED and order.finished_at is not None
    took = order.finished_at - began if is_whole and began and order.finished_at else None
    usual = times.takes.time * order.total / 1000 if times.takes.time is not None and times.is_scaled else None
    # The time in which it waited for another order of its customer is none that a service takes.
    started = began - order.created_at if began and order.waits_for_id is None else None
    return TimesBeside(TimeBeside(started, times.starts.time), TimeBeside(took, usual))


def compared_with_usual(order: Order, situation: Situation, *, now: datetime) -> str:
    """Return one sentence about the time an order takes, "" where nothing is measured or the comparison says nothing.

    The service has to come with its figures (`catalog.facts.reading.read_figures`).
    """
    is_waiting = situation in _WAITING or (situation is Situation.RUNNING and order.progress == Progress.PROCESSING)
    if order.may_have_children or not (is_waiting or situation is Situation.RUNNING):
        return ""
    times = times_of(order.service)
    if order.started_at is None and not order.delivered:
        return _waited(times, now - order.created_at) if is_waiting and order.waits_for_id is None else ""
    return _pace(order, times, now)


def _waited(times: ServiceTimes, waited: timedelta) -> str:
    if times.starts.time is None:
        return ""
    # Whole minutes, as what is usual; rounded up would say that it took longer than it has.
    words = {"usual": duration_text(times.starts.time), "waited": duration_text(waited // _MINUTE * _MINUTE)}
    return _("Usual: %(usual)s to start. You have waited %(waited)s.") % words


def _pace(order: Order, times: ServiceTimes, now: datetime) -> str:
    """Whether it is clearly faster or slower than half of the orders for the same service."""
    done, usual = order.delivered, times.takes.time
    if usual is None or not times.is_scaled or order.started_at is None or done < _LEAST_UNITS:
        return ""
    took = now - order.started_at
    words = {"done": num(done), "all": num(order.total), "took": duration_text(took)}
    if took * 1000 * 5 < usual * done * 4:
        return _("It is faster than usual: %(done)s of %(all)s after %(took)s.") % words
    if took * 1000 * 2 > usual * done * 3:
        return _("It is slower than usual: %(done)s of %(all)s after %(took)s.") % words
    return ""
