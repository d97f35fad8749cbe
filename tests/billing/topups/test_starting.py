"""How many top-ups one customer starts: what can be paid at a time, and what is started in an hour."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from billing.gateways.contract import Declined, Started
from billing.models import PaymentMethod, TopUp, TopUpState
from billing.topups import methods, starting
from core.clock import database_now
from tests.billing.cast import customer
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import method, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def by() -> PaymentMethod:
    return method("manual", name="Bank transfer")


def test_twenty_can_wait_for_a_payment_at_a_time(
    alice: User, by: PaymentMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "MOST_OPEN", 3)
    for _n in range(3):
        started(alice, by)
    with pytest.raises(starting.CannotStart, match="3 top-ups are open"):
        started(alice, by)
    assert TopUp.objects.count() == 3
    started(customer("bob@example.com", has="0"), by)


def test_transfers_whose_time_is_over_block_nothing(
    alice: User, by: PaymentMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "MOST_OPEN", 3)
    for _n in range(3):
        started(alice, by)
    later = database_now() + timedelta(days=7, minutes=1)
    assert TopUp.objects.filter(state=TopUpState.PENDING).count() == 3
    assert started(alice, by, now=later).state == TopUpState.PENDING


def test_what_the_gateway_declines_counts_in_the_hour(
    alice: User, by: PaymentMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "MOST_AN_HOUR", 3)
    calls: list[Any] = []

    def start(_self: Any, *given: Any) -> Declined:
        calls.append(given)
        return Declined("Not today")

    monkeypatch.setattr(type(methods.gateway_of(by)), "start", start)
    for _n in range(3):
        assert started(alice, by).state == TopUpState.FAILED
    with pytest.raises(starting.CannotStart, match="3 top-ups in the last hour"):
        started(alice, by)
    assert len(calls) == TopUp.objects.count() == 3
    started(alice, by, now=database_now() + timedelta(minutes=61))
    assert len(calls) == 4


def test_many_forms_at_once_are_counted_one_by_one(
    alice: User, by: PaymentMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "MOST_OPEN", 3)
    inside: list[bool] = []

    def start(_self: Any, asked: Any, _config: Any) -> Started:
        inside.append(connection.in_atomic_block)
        return Started(f"manual-{asked.reference}")

    monkeypatch.setattr(type(methods.gateway_of(by)), "start", start)

    def one(_n: int) -> bool:
        try:
            started(alice, by)
        except starting.CannotStart:
            return False
        return True

    assert sum(all_at_once(one, 10)) == 3
    # The gateway is asked without a lock.
    assert inside == [False] * 3


def test_a_form_that_is_sent_again_is_no_new_one(
    alice: User, by: PaymentMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "MOST_OPEN", 1)
    first = started(alice, by, nonce="0" * 32)
    assert started(alice, by, nonce="0" * 32) == first
