"""Contradictions to a repeat's answer: stored with the repeat, the provider's proof withdrawn, the owner alerted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from catalog.providers import repeatable
from orders import lifecycle
from orders.models import EventKind, ForwardAttempt, RepeatAttempt
from orders.states import Outcome


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What contradicts the number that a repeat was answered with.

    ``other`` is a number that the attempt has as well: two orders were bought. ``is_anothers`` says that the number of
    the answer belongs to another order.
    """

    text: str
    other: str = ""
    is_anothers: bool = False

    @property
    def as_evidence(self) -> dict[str, Any]:
        found: dict[str, Any] = {"contradiction": self.text}
        if self.other:
            found["other"] = self.other
        return {**found, "is_anothers": True} if self.is_anothers else found


def note(repeat: RepeatAttempt, contradiction: Contradiction, *, now: datetime) -> None:
    """Keep the contradiction with the repeat, take the provider's proof away, and alert the owner.

    Part of the caller's transaction. The order stays as it is: in doubt, if it was.
    """
    current = RepeatAttempt.objects.select_for_update().get(pk=repeat.pk)
    if "contradiction" in current.evidence:
        return
    evidence = {**current.evidence, **contradiction.as_evidence}
    RepeatAttempt.objects.filter(pk=repeat.pk).update(evidence=evidence)
    order_id = ForwardAttempt.objects.values_list("order_id", flat=True).get(pk=repeat.attempt_id)
    lifecycle.note(
        order_id=order_id,
        kind=EventKind.REMARK,
        now=now,
        detail={"text": "the repeated request", "because": contradiction.text},
    )
    repeatable.withdraw(repeat.provider_id, order=order_id, now=now, contradiction=contradiction.text)


def note_other_number(attempt: ForwardAttempt, upstream_id: str, *, now: datetime) -> None:
    """Note the contradiction if a repeat named another number than the one that the attempt has now."""
    named = RepeatAttempt.objects.filter(attempt=attempt, outcome=Outcome.PLACED).exclude(upstream_id=upstream_id)
    for repeat in named:
        note(repeat, two_numbers(upstream_id, str(repeat.upstream_id)), now=now)


def taken(number: str) -> Contradiction:
    text = _("the repeated request was answered with %(number)s, which another order has") % {"number": number}
    return Contradiction(text, is_anothers=True)


def two_numbers(first: str, second: str) -> Contradiction:
    text = _("it has the number %(first)s, and its repeated request was answered with %(second)s")
    return Contradiction(text % {"first": first, "second": second}, other=first)


def not_placed_after_all(number: str) -> Contradiction:
    text = _("it was called not placed, and its repeated request was answered with %(number)s") % {"number": number}
    return Contradiction(text)


def older(number: str) -> Contradiction:
    text = _("the repeated request was answered with %(number)s, which is older than the order") % {"number": number}
    return Contradiction(text, is_anothers=True)
