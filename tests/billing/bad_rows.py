"""What every bad row starts from, and the list of them by the name of the guard that must refuse it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from billing.models import Account, Code, Transfer
from catalog.models import Service
from orders.models import Order
from tests.billing import cast
from tests.billing.cast import money


@dataclass
class Shop:
    """Alice and Bob with 100 each, one service, one queued order of Alice."""

    alice: User
    bob: User
    service: Service
    order: Order

    def attempts_of(self, kind: str) -> Callable[..., Any]:
        if kind == "forward":
            return lambda n=1, **c: cast.attempt(self.order, n, **c)
        refill = cast.refill(self.order)
        return lambda n=1, **c: cast.refill_attempt(refill, n, **c)


BadRow = Callable[[Shop], Any]
BAD_ROWS: dict[str, list[BadRow]] = {}


def refuses(*names: str) -> Callable[[BadRow], BadRow]:
    def note(make: BadRow) -> BadRow:
        for name in names:
            BAD_ROWS.setdefault(name, []).append(make)
        return make

    return note


def post(code: Code, source: int, target: int, amount: str = "1", reference: str = "order:x", key: str = "") -> None:
    Transfer.objects.create(
        key=key or f"bad:{uuid.uuid4()}",
        code=code,
        source_id=source,
        target_id=target,
        amount=money(amount),
        reference=reference,
    )


def wallet(user: User) -> int:
    return Account.objects.get(customer=user).pk
