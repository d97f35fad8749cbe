"""Every column in which sealed secrets are stored, and how all of them are sealed anew."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Model

from billing.models import PaymentMethod
from catalog.models import Provider
from core.secrets import SecretUnreadable, sealed_anew
from notices.models import Outbox

#: Rows that are read at once.
BATCH = 200


def _authenticator_anew(data: dict[str, Any]) -> dict[str, Any]:
    """As allauth seals it: the seed of codes under one of two names, and recovery codes of before there was a seed."""
    anew: dict[str, Any] = {name: sealed_anew(data[name]) for name in ("secret", "seed") if name in data}
    if data.get("migrated_codes") is not None:
        anew["migrated_codes"] = [sealed_anew(code) for code in data["migrated_codes"]]
    return {**data, **anew}


@dataclass(frozen=True)
class SealedColumn:
    """``anew`` returns the value of the column with every secret in it under today's key."""

    model: type[Model]
    column: str
    anew: Callable[[Any], Any]

    @property
    def name(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"


SEALED_COLUMNS = (
    SealedColumn(Provider, "sealed_key", sealed_anew),
    SealedColumn(PaymentMethod, "sealed_secrets", lambda sealed: sealed and sealed_anew(sealed)),
    SealedColumn(Authenticator, "data", _authenticator_anew),
    # The code of a mail that was not sent yet; empty afterwards.
    SealedColumn(Outbox, "sealed", lambda sealed: sealed and sealed_anew(sealed)),
)


@dataclass
class Resealed:
    """Rows that were sealed anew, were current, changed meanwhile, and that no key of the environment opens."""

    changed: int = 0
    current: int = 0
    busy: int = 0
    unreadable: int = 0


def reseal(sealed: SealedColumn) -> Resealed:
    """Seal every row of one column under today's key; return how many there were of each kind.

    Each row is one statement that changes it only if it still has the value that was read, so that this may be stopped
    at any moment, run twice, and run while workers run: what somebody else writes meanwhile stays.
    """
    result = Resealed()
    rows = sealed.model._default_manager
    for pk, value in _values(sealed):
        try:
            anew = sealed.anew(value)
        except SecretUnreadable:
            result.unreadable += 1
            continue
        if anew == value:
            result.current += 1
        elif rows.filter(pk=pk, **{sealed.column: value}).update(**{sealed.column: anew}):
            result.changed += 1
        else:
            result.busy += 1
    return result


def unreadable(sealed: SealedColumn) -> Iterator[int]:
    """Yield the ids of the rows that no key of the environment opens."""
    for pk, value in _values(sealed):
        try:
            sealed.anew(value)
        except SecretUnreadable:
            yield pk


def _values(sealed: SealedColumn) -> Iterator[tuple[int, Any]]:
    last = 0
    while batch := list(
        sealed.model._default_manager.filter(pk__gt=last).order_by("pk").values_list("pk", sealed.column)[:BATCH]
    ):
        yield from batch
        last = batch[-1][0]
