"""Write down what staff do: who, from where, to what, why, and what changed.

The row is written in the operation's own transaction, so that the change and its trace are there together or not at
all. The database refuses to change or delete such a row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from core.addresses import client_address
from core.models import StaffAction
from core.request_id import request_id
from core.security_log import Event, log_security

#: What stands for a secret that was given.
SECRET_SET = "set"  # noqa: S105
_LONGEST = 500


@dataclass(frozen=True)
class Actor:
    """Who did something: ``code`` is "staff:17" or "shell", ``name`` what people read.

    ``job`` is the number of the job in which it was done, if it was one of many.
    """

    code: str
    name: str
    address: str | None = None
    request_id: str = ""
    job: int | None = None


class Change(NamedTuple):
    """One object with the values that changed, by name: ``target`` is the object as it is afterwards."""

    target: Model
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def staff_actor(request: HttpRequest) -> Actor:
    """Return the member of staff who sent ``request``."""
    return Actor(
        code=f"staff:{request.user.pk}",
        name=str(request.user),
        address=client_address(request) or None,
        request_id=request_id.get(),
    )


def shell_actor() -> Actor:
    """Return the actor of a command that somebody with access to the server ran."""
    return Actor(code="shell", name="command")


def record_staff_action(
    actor: Actor,
    action: str,
    target: Model,
    *,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> StaffAction:
    """Add one row about ``target`` in the caller's transaction, and return it.

    ``action`` is a code such as "wallet.credit". Values are kept as text of at most 500 characters; never hand in a
    secret, but SECRET_SET.
    """
    [row] = record_staff_actions(actor, action, [target], reason=reason, before=before, after=after)
    return row


def record_staff_actions(
    actor: Actor,
    action: str,
    targets: Iterable[Model],
    *,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> list[StaffAction]:
    """Add one row for each of ``targets``, as :func:`record_staff_action` does for one, in one statement."""
    return record_staff_changes(
        actor, action, (Change(target, before or {}, after or {}) for target in targets), reason=reason
    )


def record_staff_changes(
    actor: Actor, action: str, changes: Iterable[Change], *, reason: str = ""
) -> list[StaffAction]:
    """Add one row for each of ``changes``, each with its own values, in one statement; return the rows."""
    job = {} if actor.job is None else {"job": actor.job}
    common = {
        "actor": actor.code,
        "address": actor.address,
        "request_id": actor.request_id,
        "action": action,
        "reason": _storable(reason)[:2000],
    }
    rows = StaffAction.objects.bulk_create(
        [
            StaffAction(
                object_type=change.target._meta.label_lower,
                object_id=str(change.target.pk),
                object_name=_storable(str(change.target))[:200],
                before={name: _bounded(value) for name, value in change.before.items()},
                after={name: _bounded(value) for name, value in {**change.after, **job}.items()},
                **common,
            )
            for change in changes
        ],
        batch_size=1000,
    )
    if rows:
        transaction.on_commit(lambda: _log(rows))
    return rows


def _log(rows: list[StaffAction]) -> None:
    """Write one line into the security log; of many objects it names the first."""
    first = rows[0]
    log_security(
        Event.STAFF_ACTION,
        actor=first.actor,
        address=first.address,
        action=first.action,
        object=f"{first.object_type}:{first.object_id}",
        count=len(rows),
    )


def _bounded(value: Any) -> Any:
    """Return ``value`` if JSON has it and it is short; else its text, cut."""
    if value is None or isinstance(value, bool | int):
        return value
    return _storable(str(value))[:_LONGEST]


def _storable(text: str) -> str:
    """``text`` without NUL, which Postgres cannot store."""
    return text.replace("\x00", "")
