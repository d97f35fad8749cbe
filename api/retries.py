"""Safe retries: a request that its sender named is done once, and a repeat gets the first answer.

Name and answer are written in the transaction of the operation itself, so that there is never one without the other.
Two calls of the same name at the same moment meet in a unique index, and the second one gets what the first one wrote.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from accounts.api_keys import Caller
from api.errors import INCORRECT_REQUEST, REQUEST_ID_REUSED, ApiError
from api.incoming import Call
from api.models import ApiRequest
from core.prepared import Part

type Answer = Any


class RetryableCall:
    """One call of one caller under its request id; ``is_named`` is false where its sender gave none."""

    def __init__(self, caller: Caller, call: Call) -> None:
        self.caller = caller
        self.action = call.action
        self.name = call.request_id
        self._fields = call.fields

    @property
    def is_named(self) -> bool:
        return bool(self.name)

    @property
    def nonce(self) -> str | None:
        return nonce_of(self.name)

    @cached_property
    def digest(self) -> str:
        """The hash of the fields, which tells a repeat from another request under the same name."""
        fields = msgspec.json.encode(sorted((name, value.strip()) for name, value in self._fields.items()))
        return hashlib.sha256(fields).hexdigest()

    def first_answer(self) -> Answer | None:
        """Return the answer kept under this name, None if there is none. Raises ApiError if it was another request."""
        kept = ApiRequest.objects.filter(customer=self.caller.customer, action=self.action, request_id=self.name)
        row = kept.values_list("digest", "answer").first()
        if row is None:
            return None
        if row[0] != self.digest:
            raise ApiError(REQUEST_ID_REUSED)
        return row[1]

    def repeated[Kind](self, kind: type[Kind]) -> Kind:
        """Return the kept answer of a call that is known to be a repeat. Raises ApiError if it was another request."""
        if (first := self.first_answer()) is None:
            raise ApiError(INCORRECT_REQUEST)
        return msgspec.convert(first, kind)

    def kept_in(self, source: str, answer: str, *, now: datetime | None) -> Part | None:
        """Return the part of a larger statement that keeps the answer; None where the request has no name.

        ``source`` is the part of that statement that has a row if the operation was done, ``answer`` an expression of
        jsonb. Without ``now`` it is done at the time of the statement.
        """
        if not self.is_named:
            return None
        return Part(
            f"""
            INSERT INTO api_apirequest (customer_id, action, request_id, digest, answer, created_at)
            SELECT %(asker)s::bigint, %(action)s::text, %(request_id)s::text, %(digest)s::text, {answer},
                   coalesce(%(asked_at)s::timestamptz, statement_timestamp())
            FROM {source}
            """,  # noqa: S608 - constants of the caller
            {
                "asker": str(self.caller.customer.pk),
                "action": self.action,
                "request_id": self.name,
                "digest": self.digest,
                "asked_at": now.isoformat() if now else None,
            },
        )

    def keep(self, answer: Answer) -> None:
        """Keep an answer. Raises _KeptElsewhere if a call of the same name was faster."""
        try:
            ApiRequest.objects.create(
                customer=self.caller.customer,
                action=self.action,
                request_id=self.name,
                digest=self.digest,
                answer=msgspec.to_builtins(answer),
                created_at=self.caller.now,
            )
        except IntegrityError as problem:
            if getattr(getattr(problem.__cause__, "diag", None), "constraint_name", None) != "api_request_once":
                raise
            raise _KeptElsewhere from problem


def nonce_of(request_id: str) -> str | None:
    """Return the nonce of an order that its sender named: simultaneous calls meet in the order's unique index."""
    if not request_id:
        return None
    return f"api:{hashlib.sha256(request_id.encode()).hexdigest()[:48]}"


class _KeptElsewhere(Exception):
    """A simultaneous call of this name has committed. What was done here is taken back with the transaction."""


def once(caller: Caller, call: Call, operation: Callable[[], tuple[Answer, bool]]) -> Answer:
    """Run ``operation``, which returns its answer and whether to keep it, unless it was done under this name before.

    Raises ApiError as the operation does; a refusal is not kept, so the same name may be tried again. A refused
    operation must leave nothing behind but what it means to leave, such as an alert to the owner.
    """
    request = RetryableCall(caller, call)
    if not request.is_named:
        return operation()[0]
    if (first := request.first_answer()) is not None:
        return first
    refusal: ApiError | None = None
    try:
        with transaction.atomic():
            try:
                answer, is_kept = operation()
            except ApiError as refused:
                # Not raised in here, so that what the operation wrote for the owner is committed.
                refusal = refused
            else:
                if is_kept:
                    request.keep(answer)
    except _KeptElsewhere:
        pass
    else:
        if refusal is None:
            return answer
    # The simultaneous call may be the very reason of a refusal.
    if (first := request.first_answer()) is not None:
        return first
    raise refusal or ApiError(INCORRECT_REQUEST)
