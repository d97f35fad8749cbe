"""A worker dies, or loses its session, at each point between its claim of a top-up and the credit: one credit."""

from typing import Any

import pytest
from django.db import OperationalError, connection

from billing.gateways.demo import GATEWAY
from billing.models import Document, TopUp, TopUpState, Transfer
from billing.topups import applying, looking
from core.clock import database_now
from tests.billing.cast import balance, customer, money
from tests.billing.topups.cast import DRIVERS, broken, method, started

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """What no code of the shop catches."""


#: Where a worker dies: the module and the function, and whether before or after it.
POINTS = {
    "claimed": (looking, "look", False),
    "asked": (GATEWAY, "fetch", True),
    "payments noted": (applying, "_move_money", False),
    "money posted": (applying, "_move_money", True),
    "step noted": (applying, "note_step", True),
    "receipt made": (applying, "issue", True),
    "committed": (looking, "apply", True),
}


def dies(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, after: bool, how: Any) -> None:
    real = getattr(where, name)

    def once(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(where, name, real)
        result = real(*given, **named) if after else None
        how()
        return result if after else real(*given, **named)

    monkeypatch.setattr(where, name, once)


def kill() -> None:
    raise Killed


def cut() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("point", POINTS)
def test_the_next_worker_credits_what_a_killed_one_did_not(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = customer(has="0")
    topup = started(alice, method(bonus_percent=10), "10")
    DRIVERS["demo"].pays(topup)
    TopUp.objects.update(next_look_at=database_now())
    dies(monkeypatch, *POINTS[point], kill)
    with pytest.raises(Killed):
        looking.look_due(seconds=5)
    assert balance(alice) == (money("11") if point == "committed" else 0)
    assert looking.look_due(seconds=5) == 0, "its lease is not over"
    _ends_with_one_credit(alice)


@pytest.mark.parametrize("point", [point for point in POINTS if point != "committed"])
def test_a_session_that_is_cut_credits_nothing_twice(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = customer(has="0")
    topup = started(alice, method(bonus_percent=10), "10")
    DRIVERS["demo"].pays(topup)
    TopUp.objects.update(next_look_at=database_now())
    dies(monkeypatch, *POINTS[point], cut)
    try:
        looking.look_due(seconds=5)
    except OperationalError:
        connection.close()  # as a worker does before its next task
    _ends_with_one_credit(alice)


def _ends_with_one_credit(alice: Any) -> None:
    TopUp.objects.update(next_look_at=database_now())
    assert looking.look_due(seconds=5) == 1
    assert TopUp.objects.get().state == TopUpState.PAID
    assert balance(alice) == money("11")
    assert sorted(Transfer.objects.filter(reference__startswith="topup:").values_list("code", flat=True)) == [
        "bonus", "topup",
    ]  # fmt: skip
    assert Document.objects.count() == 1
    assert broken() == []
