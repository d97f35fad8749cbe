"""The history of an order for staff: its events, each with the calls to the provider that belong to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.templatetags.money import money_text
from core.templatetags.shop import num
from orders.models import EventKind, ForwardAttempt, OrderEvent
from orders.states import Progress

_ICONS = {
    EventKind.ACCEPTED: ("receipt-text", ""), EventKind.SENT: ("send", ""), EventKind.DELAYED: ("clock", "is-pending"),
    EventKind.DOUBTED: ("hourglass", "is-confirming"), EventKind.PLACED: ("check", ""),
    EventKind.REFUSED: ("circle-x", "is-canceled"), EventKind.REFUNDED_UNSENT: ("circle-x", "is-canceled"),
    EventKind.STARTED: ("trending-up", ""), EventKind.MOVED: ("circle-dot-dashed", "is-progress"),
    EventKind.FINISHED: ("circle-check", "is-completed"), EventKind.REFUND: ("undo-2", "is-completed"),
    EventKind.REMARK: ("message-square", ""), EventKind.DECIDED: ("user", ""), EventKind.LINK_CHANGED: ("pencil", ""),
    EventKind.CANCEL_ASKED: ("ban", ""), EventKind.CANCEL_REQUESTED: ("send", ""),
    EventKind.CANCEL_DECLINED: ("circle-x", "is-canceled"),
}  # fmt: skip

#: Details of events whose stored name is not the word that staff read. Where it is empty, the value says enough.
_WORDS: Mapping[str, str | Promise] = {
    "amount": "", "decision": "", "state": "", "text": "",
    "class": _("kind of answer"), "new": _("now"), "old": _("before"), "remains": _("not delivered"),
    "start_count": _("start count"), "try": _("attempt"), "upstream_id": _("number at the provider"),
}  # fmt: skip
_STATES = ("new", "old", "state")


@dataclass(frozen=True)
class Try:
    """One attempt, or a repeat of one, with its exchanges.

    ``heading`` names it and its outcome, ``facts`` are label and value, ``exchanges`` title and indented JSON.
    """

    heading: str
    facts: list[tuple[str | Promise, Any]]
    evidence: str
    exchanges: list[tuple[str, str]]


@dataclass
class Step:
    """One event. ``facts`` are its details as name and value, ``tries`` the attempts with their calls."""

    at: datetime
    title: str
    icon: str
    css: str
    actor: str
    facts: list[tuple[str, Any]]
    is_new_day: bool
    tries: list[Try] = field(default_factory=list)


def steps_of(events: Iterable[OrderEvent], tries: Iterable[tuple[ForwardAttempt, list[Try]]]) -> list[Step]:
    """Return a step for each event, the oldest first, with the attempts under the step in which they were sent."""
    steps: list[Step] = []
    by_try: dict[Any, Step] = {}
    day = None
    for event in events:
        local_day = timezone.localdate(event.at)
        steps.append(_step(event, is_new_day=local_day != day))
        day = local_day
        if event.kind == EventKind.SENT:
            by_try[event.detail.get("try")] = steps[-1]
    for attempt, shown in tries:
        if steps:
            (by_try.get(attempt.n) or _at(steps, attempt.claimed_at)).tries.extend(shown)
    return steps


def _step(event: OrderEvent, *, is_new_day: bool) -> Step:
    icon, css = _ICONS.get(EventKind(event.kind), ("rotate-cw", ""))
    facts = [
        (str(_WORDS.get(name, name)), _readable(name, value)) for name, value in event.detail.items() if value != ""
    ]
    return Step(event.at, str(event.get_kind_display()), icon, css, event.actor, facts, is_new_day)


def _readable(name: str, value: Any) -> Any:
    """Return a detail of an event as staff read it: amounts as money, states by their labels, whole numbers grouped."""
    if name in _STATES and value in Progress.values:
        return Progress(value).label
    if name == "amount":
        try:
            return money_text(Decimal(str(value)))
        except InvalidOperation:
            return value
    return num(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _at(steps: Sequence[Step], at: datetime) -> Step:
    """The last step before ``at``, the first where there is none."""
    return next((step for step in reversed(steps) if step.at <= at), steps[0])
