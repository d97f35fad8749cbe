"""How much money a member of staff may move by hand, in one action and in a day, by the limits of their roles.

An operation that moves money runs in :func:`within_limits` and calls :func:`take_from_limit` last, when it holds every
other lock: the row of the day is then never held by one who waits for a wallet.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal
from core.staff_actions import Actor, record_staff_action
from core.templatetags.money import money_text

_TAKE = """
    INSERT INTO accounts_moneybyhand AS row (person_id, day, amount, most)
    VALUES (%(person)s, (statement_timestamp() AT TIME ZONE %(zone)s)::date, %(amount)s, %(most)s)
    ON CONFLICT (person_id, day) DO UPDATE SET amount = row.amount + excluded.amount, most = excluded.most
    WHERE excluded.most IS NULL OR row.amount + excluded.amount <= excluded.most
"""
_USED = """
    SELECT amount FROM accounts_moneybyhand
    WHERE person_id = %(person)s AND day = (statement_timestamp() AT TIME ZONE %(zone)s)::date
"""


@dataclass(frozen=True)
class Limit:
    """The most that a role allows, in the shop's currency."""

    role: str
    most: Decimal


@dataclass(frozen=True)
class Limits:
    """The limits of one person, None where there is none: the strictest of their roles counts."""

    per_day: Limit | None = None
    per_action: Limit | None = None


@dataclass(frozen=True)
class Attempt:
    """What somebody wanted to do by hand. ``amount`` is None if its worth in the shop's currency is not known."""

    actor: Actor
    action: str
    target: Model
    amount: Decimal | None


class OverLimit(Refusal):
    """More money than the role of this member of staff may move by hand. Nothing moved."""

    code = "over_limit"

    def __init__(self, message: str, attempt: Attempt) -> None:
        super().__init__(message)
        self.attempt = attempt


@contextmanager
def within_limits() -> Iterator[None]:
    """Run an operation of staff in a transaction; if a limit refuses it, write that down once it is undone."""
    try:
        with transaction.atomic():
            yield
    except OverLimit as refusal:
        asked = refusal.attempt
        after = {"action": asked.action} | ({} if asked.amount is None else {"amount": asked.amount})
        record_staff_action(asked.actor, "limit.refused", asked.target, reason=f"Refused: {refusal}", after=after)
        raise


def take_from_limit(actor: Actor, amount: Decimal | None, *, action: str, target: Model) -> None:
    """Count ``amount``, in the shop's currency, as moved by hand by ``actor`` today. Raises OverLimit.

    Call it in the operation's transaction, inside :func:`within_limits`; ``action`` and ``target`` are those of its
    StaffAction. Owners and the shell have no limit. None is an amount of unknown worth, which needs an owner where
    there is a limit.
    """
    kind, _colon, number = actor.code.partition(":")
    limits = limits_of(int(number)) if kind == "staff" else None
    if limits is None or amount == 0:
        return
    person, attempt = int(number), Attempt(actor, action, target, amount)
    # 1. The limit of one action.
    if amount is None:
        if limits != Limits():
            raise OverLimit(_("What this is worth in the shop's currency is not known. Ask the owner."), attempt)
        return
    if limits.per_action is not None and amount > limits.per_action.most:
        text = _("The limit of %(role)s is %(most)s for one action, and this is %(amount)s. Ask the owner.")
        raise OverLimit(text % _words(limits.per_action, amount), attempt)
    # 2. The limit of the day, under the lock of its row until the operation ends.
    limit = limits.per_day
    values: dict[str, Any] = {
        "person": person,
        "zone": settings.TIME_ZONE,
        "amount": amount,
        "most": limit and limit.most,
    }
    is_taken = False
    if limit is None or amount <= limit.most:
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, values)
            is_taken = cursor.rowcount == 1
    if limit is not None and not is_taken:
        text = _(
            "The limit of %(role)s is %(most)s a day, and %(used)s of it is used. This is %(amount)s. Ask the owner."
        )
        raise OverLimit(text % {**_words(limit, amount), "used": money_text(used_today(person))}, attempt)


def limits_of(person_id: int) -> Limits | None:
    """Return the limits that the groups of a member of staff set; None for an owner."""
    rows = User.objects.filter(pk=person_id, is_superuser=False).values_list(
        "groups__name", "groups__money_limit__per_day", "groups__money_limit__per_action"
    )
    if not rows:
        return None
    days = [Limit(name, day) for name, day, _action in rows if day is not None]
    actions = [Limit(name, action) for name, _day, action in rows if action is not None]
    return Limits(
        min(days, key=lambda limit: limit.most, default=None), min(actions, key=lambda limit: limit.most, default=None)
    )


def used_today(person_id: int) -> Decimal:
    """Return what a person has moved by hand today, in the shop's currency."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, {"person": person_id, "zone": settings.TIME_ZONE})
        row = cursor.fetchone()
    return Decimal(0) if row is None else row[0]


def _words(limit: Limit, amount: Decimal) -> dict[str, str]:
    return {"role": limit.role, "most": money_text(limit.most), "amount": money_text(amount)}
