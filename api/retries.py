"""Safe retries: a request that its sender named is done once, and a repeat is answered as the first was.

The name and the answer are written in the transaction of the deed, so that there is never one without the other. Two
twins meet in a unique index, and whoever comes second is answered with what the first one wrote.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from accounts.api_keys import Caller
from api.errors import INCORRECT_REQUEST, REQUEST_ID_REUSED, ApiError
from api.incoming import Call
from api.models import ApiRequest
from core.prepared import Part

type Answer = Any


def once(caller: Caller, call: Call, deed: Callable[[], tuple[Answer, bool]]) -> Answer:
    """Do ``deed`` unless it was done under this name before. It returns the answer and whether it is to be kept.

    Raises ApiError as the deed does, which is not remembered: what failed may be tried again under the same name. The
    deed's own refusals must leave nothing behind but what they mean to leave, such as an alert to the owner.
    """
    if not call.request_id:
        return deed()[0]
    digest = _digest(call)
    if (first := _first(caller, call, digest)) is not None:
        return first
    try:
        answer, refusal = _do_and_keep(caller, call, digest, deed)
    except _TwinWasFaster:
        refusal = None
    else:
        if refusal is None:
            return answer
    # The twin's deed may be the very reason of a refusal.
    if (first := _first(caller, call, digest)) is not None:
        return first
    raise refusal or ApiError(INCORRECT_REQUEST)


def kept_beside(caller: Caller, call: Call, answer: str, deed: str, *, now: datetime | None) -> Part:
    """Keeps ``answer`` in the statement of the deed itself. Both are SQL: the answer as an expression of jsonb, the
    deed as the part of that statement that has a row if it was done. Without ``now`` it is done when it is written."""
    return Part(
        f"""
        INSERT INTO api_apirequest (customer_id, action, request_id, digest, answer, created_at)
        SELECT %(asker)s::bigint, %(action)s::text, %(request_id)s::text, %(digest)s::text, {answer},
               coalesce(%(asked_at)s::timestamptz, statement_timestamp())
        FROM {deed}
        """,  # noqa: S608 - constants of the caller
        {
            "asker": str(caller.customer.pk),
            "action": call.action,
            "request_id": call.request_id,
            "digest": _digest(call),
            "asked_at": now.isoformat() if now else None,
        },
    )


def repeated[Said](caller: Caller, call: Call, kind: type[Said]) -> Said:
    """What the first call of this name was answered. Raises ApiError if it was a different one."""
    if (first := _first(caller, call, _digest(call))) is None:
        raise ApiError(INCORRECT_REQUEST)
    return msgspec.convert(first, kind)


class _TwinWasFaster(Exception):
    """The name is taken by now. Whatever was done under it here is taken back with the transaction."""


@transaction.atomic
def _do_and_keep(
    caller: Caller, call: Call, digest: str, deed: Callable[[], tuple[Answer, bool]]
) -> tuple[Answer, ApiError | None]:
    try:
        answer, is_kept = deed()
    except ApiError as refusal:
        # Handed back instead of raised, so that what the deed wrote for the owner is committed.
        return None, refusal
    if is_kept:
        _keep(caller, call, digest, answer)
    return answer, None


def nonce_of(call: Call) -> str | None:
    """The nonce of an order named by its sender: twins that pass each other by meet in the order's unique index."""
    if not call.request_id:
        return None
    return f"api:{hashlib.sha256(call.request_id.encode()).hexdigest()[:48]}"


def _digest(call: Call) -> str:
    said = msgspec.json.encode(sorted((name, value.strip()) for name, value in call.fields.items()))
    return hashlib.sha256(said).hexdigest()


def _first(caller: Caller, call: Call, digest: str) -> Answer | None:
    found = ApiRequest.objects.filter(customer=caller.customer, action=call.action, request_id=call.request_id)
    row = found.values_list("digest", "answer").first()
    if row is None:
        return None
    if row[0] != digest:
        raise ApiError(REQUEST_ID_REUSED)
    return row[1]


def _keep(caller: Caller, call: Call, digest: str, answer: Answer) -> None:
    try:
        ApiRequest.objects.create(
            customer=caller.customer,
            action=call.action,
            request_id=call.request_id,
            digest=digest,
            answer=msgspec.to_builtins(answer),
            created_at=caller.now,
        )
    except IntegrityError as problem:
        if getattr(getattr(problem.__cause__, "diag", None), "constraint_name", None) != "api_request_once":
            raise
        raise _TwinWasFaster from problem
