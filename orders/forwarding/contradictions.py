"""What takes a provider's proof away: a repeated request was answered with another order than the first one placed."""

from datetime import datetime

from django.utils.translation import gettext as _

from catalog.providers import repeatable
from orders import lifecycle
from orders.models import EventKind, ForwardAttempt, RepeatAttempt
from orders.states import Outcome


def note(repeat: RepeatAttempt, contradiction: str, *, now: datetime) -> None:
    """Keep the contradiction with the repeat, take the provider's proof away, and alert the owner.

    Part of the caller's transaction. The order stays as it is: in doubt, if it was.
    """
    current = RepeatAttempt.objects.select_for_update().get(pk=repeat.pk)
    if "contradiction" in current.evidence:
        return
    evidence = {**current.evidence, "contradiction": contradiction}
    RepeatAttempt.objects.filter(pk=repeat.pk).update(evidence=evidence)
    order_id = ForwardAttempt.objects.values_list("order_id", flat=True).get(pk=repeat.attempt_id)
    lifecycle.note(
        order_id=order_id,
        kind=EventKind.REMARK,
        now=now,
        detail={"text": "the repeated request", "because": contradiction},
    )
    repeatable.withdraw(repeat.provider_id, order=order_id, now=now, contradiction=contradiction)


def note_other_number(attempt: ForwardAttempt, upstream_id: str, *, now: datetime) -> None:
    """Note the contradiction if a repeat named another number than the one that the attempt has now."""
    named = RepeatAttempt.objects.filter(attempt=attempt, outcome=Outcome.PLACED).exclude(upstream_id=upstream_id)
    for repeat in named:
        note(repeat, two_numbers(upstream_id, str(repeat.upstream_id)), now=now)


def taken(number: str) -> str:
    return _("the repeated request was answered with %(number)s, which another order has") % {"number": number}


def two_numbers(first: str, second: str) -> str:
    return _("it has the number %(first)s, and its repeated request was answered with %(second)s") % {
        "first": first, "second": second,
    }  # fmt: skip


def not_placed_after_all(number: str) -> str:
    return _("it was called not placed, and its repeated request was answered with %(number)s") % {"number": number}


def older(number: str) -> str:
    return _("the repeated request was answered with %(number)s, which is older than the order") % {"number": number}
