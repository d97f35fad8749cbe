"""What breaks stays where it broke: one provider, one order, one part of a round."""

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from notices.models import Alert
from orders.following import order_answers
from orders.forwarding import dispatch
from orders.models import Order
from orders.states import Forward, Progress
from tests.orders.cast import Shop, provider_at, service_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_provider_whose_key_cannot_be_read_is_parked_and_stops_no_other(shop: Shop, alice: User) -> None:
    Provider.objects.update(sealed_key="sealed under a key that is gone")
    stuck = shop.buys(alice)
    other = provider_at(shop.simulator, "Other")
    good = Shop(shop.simulator, other, service_of(other)).buys(alice, link="https://example.com/p/2")

    shop.forwards()
    good.refresh_from_db()
    stuck.refresh_from_db()
    assert good.forward_state == Forward.PLACED
    assert (stuck.forward_state, stuck.tries) == (Forward.QUEUED, 0)
    shop.provider.refresh_from_db()
    assert shop.provider.parked_reason == "key_unreadable"


def test_a_bug_at_one_provider_raises_an_alert_and_stops_no_other(shop: Shop, alice: User, monkeypatch: Any) -> None:
    first = shop.provider.pk
    shop.buys(alice)
    other = provider_at(shop.simulator, "Other")
    good = Shop(shop.simulator, other, service_of(other)).buys(alice, link="https://example.com/p/2")
    honest = dispatch.forward_provider

    def broken(provider_id: int, *, until: float) -> int:
        if provider_id == first:
            raise ZeroDivisionError
        return honest(provider_id, until=until)

    monkeypatch.setattr(dispatch, "forward_provider", broken)
    shop.forwards()
    good.refresh_from_db()
    assert good.forward_state == Forward.PLACED
    assert Alert.objects.filter(cause=f"failure:forwarding to provider {first}").exists()


def test_an_answer_that_breaks_us_keeps_no_other_order_from_its_settlement(
    shop: Shop, alice: User, monkeypatch: Any
) -> None:
    orders = [shop.buys(alice, link=f"https://example.com/p/{n}?fate=completed&after=1") for n in range(3)]
    shop.forwards()
    shop.simulator.control(advance=30)
    honest = order_answers.apply_answers

    def broken(answers: Any, **context: Any) -> None:
        if orders[1].pk in answers:
            raise ZeroDivisionError
        honest(answers, **context)

    monkeypatch.setattr(order_answers, "apply_answers", broken)
    shop.follows()
    done = Order.objects.filter(progress=Progress.COMPLETED).values_list("pk", flat=True)
    assert set(done) == {orders[0].pk, orders[2].pk}
    assert Alert.objects.filter(cause=f"failure:applying an answer to order {orders[1].pk}").exists()


def test_a_round_with_a_failed_part_says_so_by_its_exit_status(db: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("storefront.rounds.sync_due", lambda *, now: 1 / 0)
    before = database_now()
    with pytest.raises(CommandError, match="failed"):
        call_command("sweep")
    assert Alert.objects.get(cause="failure:syncing catalogs").opened_at >= before
