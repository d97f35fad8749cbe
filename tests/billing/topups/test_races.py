"""Everything that may credit a top-up, at once: one credit."""

import contextlib
from typing import Any

import pytest
from django.test import Client

from billing.gateways.contract import Ability
from billing.gateways.registry import all_gateways
from billing.models import GatewayEvent, TopUp, TopUpState, Transfer
from billing.topups import deciding, looking
from core.clock import database_now
from core.refusals import Refusal
from core.staff_actions import shell_actor
from tests.billing.cast import balance, customer, money
from tests.billing.test_races import all_at_once
from tests.billing.topups.cast import DRIVERS, broken, method, started

pytestmark = pytest.mark.django_db(transaction=True)


WITH_CALLS = [name for name, each in sorted(all_gateways().items()) if Ability.WEBHOOK in each.spec.abilities]


@pytest.mark.parametrize("gateway", WITH_CALLS)
def test_the_same_call_50_times_at_once_credits_once(gateway: str) -> None:
    alice = customer(has="0")
    topup = started(alice, method(gateway), "10")
    driver = DRIVERS[gateway]
    driver.pays(topup)
    headers, body = driver.call(topup)

    def call(_n: int) -> int:
        answer = Client().post(
            f"/pay/{topup.method.token}/", body, content_type="application/json",
            headers=dict(headers.items()),
        )  # fmt: skip
        looking.look_due(seconds=5)
        return answer.status_code

    assert set(all_at_once(call, 50)) == {200}
    looking.look_due(seconds=5)
    assert GatewayEvent.objects.count() == 1
    assert Transfer.objects.filter(code="topup").count() == 1
    assert balance(alice) == money("10")
    assert broken() == []


@pytest.mark.parametrize("gateway", WITH_CALLS)
def test_webhook_return_look_and_decision_at_once_credit_once(gateway: str) -> None:
    alice = customer(has="0")
    topup = started(alice, method(gateway), "10")
    driver = DRIVERS[gateway]
    if gateway == "demo":
        # A part is there already, and the owner may accept it before the rest is.
        driver.pays(topup, "0.5")
        looking.look(topup.pk, cause="look", now=database_now())
    driver.pays(topup, "0.5" if gateway == "demo" else "1")

    def decide(_n: int) -> Any:
        return deciding.decide(
            topup_id=topup.pk, accept=True, actor=shell_actor(), reason="Seen in the account", now=database_now()
        )

    def return_page(_n: int) -> None:
        looking.look_soon(topup, now=database_now())
        looking.look_due(seconds=5)

    ways = [
        lambda n: driver.calls(topup),
        return_page,
        lambda n: looking.look(topup.pk, cause="staff", now=database_now()),
        decide,
    ]

    def one(n: int) -> None:
        # It may have been decided, or paid, by another one before.
        with contextlib.suppress(Refusal):
            ways[n % len(ways)](n)

    all_at_once(one, 24)
    looking.look(topup.pk, cause="look", now=database_now())
    found = TopUp.objects.get()
    assert (found.state, found.credited) == (TopUpState.PAID, money("10"))
    assert balance(alice) == money("10")
    assert broken() == []


def test_one_form_sent_by_two_tabs_starts_one_topup() -> None:
    alice = customer(has="0")
    by = method()
    nonce = "0" * 32
    found = all_at_once(lambda n: started(alice, by, nonce=nonce).pk, 16)
    assert len(set(found)) == 1
    assert TopUp.objects.get().state == TopUpState.PENDING
