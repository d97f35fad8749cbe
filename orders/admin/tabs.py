"""The tabs over the list of orders: what is to do, with counts, and then the states."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.admin.views.main import ChangeList
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from orders.admin.filters import IN_DOUBT, NEEDS_REVIEW, AttentionFilter, StateFilter
from orders.models import Order
from orders.pages.stuck import running_orders, stuck

_PLACED, _RARE = "created_at__", ("partial", "canceled")
_NEEDS, _STATE = AttentionFilter.parameter_name, StateFilter.parameter_name


@dataclass(frozen=True)
class Tab:
    """``count`` is None where none is shown."""

    label: str | Promise
    url: str
    is_here: bool
    count: int | None = None


def tabs_of(page: ChangeList, *, now: datetime) -> list[Tab]:
    """Return the tabs of the list ``page``. What is to do has a count, and is left out while there is none."""
    needs, state = page.params.get(_NEEDS, ""), page.params.get(_STATE, "")
    tabs = [Tab(_("All"), _address(page), not needs and not state)]
    counts = counts_of_attention(now=now)
    for name, (label, _condition) in AttentionFilter.conditions.items():
        if counts[name] or name == needs:
            tabs.append(Tab(label, _address(page, **{_NEEDS: name}), name == needs, counts[name]))
    for name, (word, _state) in StateFilter.conditions.items():
        # Few orders end so: to find fifty or count them all, Postgres would read every order there is.
        week = _past_week(now) if name in _RARE and not any(p.startswith(_PLACED) for p in page.params) else {}
        tabs.append(Tab(word, _address(page, **{_STATE: name}, **week), not needs and name == state))
    return tabs


def _past_week(now: datetime) -> dict[str, str]:
    """The parameters of the choice "Past 7 days" of Django's filter by time, which shows that it is chosen."""
    today = localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return {f"{_PLACED}gte": str(today - timedelta(days=7)), f"{_PLACED}lt": str(today + timedelta(days=1))}


def _address(page: ChangeList, **chosen: str) -> str:
    return page.get_query_string(dict(chosen), [name for name in (_NEEDS, _STATE) if name not in chosen])


def counts_of_attention(*, now: datetime) -> dict[str, int]:
    """Return how many orders each choice of AttentionFilter shows; five queries, none of which reads ended orders."""
    seen = stuck(running_orders(now=now).values(), now=now)
    return {
        "doubt": Order.objects.filter(IN_DOUBT).count(),
        "look": Order.objects.filter(NEEDS_REVIEW).count(),
        "waiting": seen.waiting.count,
        "failed": seen.failed.count,
        "slow": seen.slow.count,
        "still": seen.still.count,
        "cancel": seen.not_canceled.count,
    }
