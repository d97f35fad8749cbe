"""An accepted order is recorded by one statement, or step by step: on the same rows both write the same.

Each case is a sent order and what else is known. Both ways run on the very same rows, each one rolled back, and every
row of every table is compared, column by column.
"""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from accounts.models import User
from catalog.models import Provider
from core.clock import database_now
from orders import lifecycle, own_ids
from orders.forwarding import accepted, outcomes
from orders.models import BreakerState, ChildOrder, ForwardAttempt, Order
from orders.states import Forward, Outcome
from tests.orders.cast import Shop, service_of
from upstream.exchange import Exchange
from upstream.messages import AcceptedOrder

pytestmark = pytest.mark.django_db

#: {table: {primary key: the row as JSON}}.
type Rows = dict[str, dict[str, str]]

NUMBER = "10400"


def sent(order: Order, **columns: Any) -> ForwardAttempt:
    """The order as it is once its permit was given."""
    now = database_now()
    lifecycle.move(order_id=order.pk, old=Forward.QUEUED, new=Forward.CLAIMED, now=now, next_at=None)
    attempt = ForwardAttempt.objects.create(
        order=order,
        n=order.attempts.count() + 1,
        provider_id=order.provider_id,
        token=uuid.uuid4(),
        lane=1,
        lane_pid=0,
        lane_started=now,
        claimed_at=now,
        leased_until=now + timedelta(seconds=60),
        expected_cost=order.expected_cost,
        **columns,
    )
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.SENDING, sent_at=now)
    lifecycle.move(order_id=order.pk, old=Forward.CLAIMED, new=Forward.SENDING, now=now, sent_at=now)
    return attempt


def doubted(order: Order) -> ForwardAttempt:
    """The order, sent, and its answer lost."""
    attempt = sent(order)
    ForwardAttempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.IN_DOUBT)
    lifecycle.move(order_id=order.pk, old=Forward.SENDING, new=Forward.IN_DOUBT, now=database_now())
    return attempt


def answer(number: str = NUMBER, **facts: Any) -> AcceptedOrder:
    exchange = Exchange(action="add", url="", request_fields={}, **{"send_calls": 2, "answered_at": 0.1, **facts})
    return AcceptedOrder(number, exchange=exchange)


def all_rows() -> Rows:
    """Every row of every table."""
    found: Rows = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table, key = model._meta.db_table, model._meta.pk.column
            if model._meta.proxy:
                continue
            cursor.execute(f'SELECT "{key}"::text, to_jsonb(t)::text FROM "{table}" t')  # noqa: S608
            found[table] = dict(cursor.fetchall())
    return found


def changes(record: Callable[[], object], before: Rows) -> dict[str, list[str]]:
    """What ``record`` makes of the rows: per table the new and the changed ones. It is undone afterwards."""
    with transaction.atomic():
        record()
        after = all_rows()
        transaction.set_rollback(True)
    assert all(before[table].keys() <= after[table].keys() for table in before)
    changed: dict[str, list[str]] = {}
    for table, rows in after.items():
        for key, row in rows.items():
            if key not in before[table]:
                # The number of a new row comes from a sequence, which no rollback winds back.
                row = row.replace(f'"id": {key},', '"id": new,', 1)
            elif row == before[table][key]:
                continue
            changed.setdefault(table, []).append(row)
    return {table: sorted(rows) for table, rows in changed.items()}


def compare(attempt: ForwardAttempt, result: AcceptedOrder, *, in_one_statement: bool) -> dict[str, list[str]]:
    """Record the answer both ways and demand the same rows; return the changes."""
    attempt.refresh_from_db()
    before, now = all_rows(), database_now()
    simple: list[bool] = []
    in_one = changes(lambda: simple.append(accepted.record(attempt, result, now=now)), before)
    assert simple == [in_one_statement]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accepted, "record", lambda *_args, **_named: False)
        step_by_step = changes(lambda: outcomes.record(attempt, result, now=now), before)
    if in_one_statement:
        assert in_one == step_by_step
    else:
        assert in_one == {}, "where anything is unusual, the statement leaves every row to the steps"
    return step_by_step


@pytest.fixture
def answering(shop: Shop) -> Shop:
    """A shop whose provider answered a moment ago."""
    Provider.objects.update(last_answer_at=database_now(), outages=0)
    return shop


USUAL = {"orders_order", "orders_forwardattempt", "orders_ownid", "orders_orderevent"}


def test_a_plain_order(answering: Shop, alice: User) -> None:
    assert compare(sent(answering.buys(alice)), answer(), in_one_statement=True).keys() == USUAL


def test_an_order_on_its_third_try(answering: Shop, alice: User) -> None:
    order = answering.buys(alice)
    for _try in range(2):
        lost = sent(order)
        ForwardAttempt.objects.filter(pk=lost.pk).update(outcome=Outcome.NOT_SENT, send_calls=0)
        lifecycle.move(order_id=order.pk, old=Forward.SENDING, new=Forward.QUEUED, now=database_now())
    assert compare(sent(order), answer(), in_one_statement=True).keys() == USUAL


def test_a_drip_feed(answering: Shop, alice: User) -> None:
    assert compare(sent(answering.drips(alice)), answer(), in_one_statement=True).keys() == USUAL


def test_a_subscription(answering: Shop, alice: User) -> None:
    service = service_of(answering.provider, "3", type="subscriptions", min=10, max=1000)
    order = answering.subscribes(alice, service)
    assert compare(sent(order), answer(), in_one_statement=True).keys() == USUAL


@pytest.mark.parametrize("number", ["a1b2-c3", str(2**63 - 1), str(2**63), "0"])
def test_an_id_of_any_shape(answering: Shop, alice: User, number: str) -> None:
    assert compare(sent(answering.buys(alice)), answer(number), in_one_statement=True).keys() == USUAL


def test_an_answer_without_a_time_or_without_an_exchange(answering: Shop, alice: User) -> None:
    attempt = sent(answering.buys(alice))
    compare(attempt, answer(answered_at=None), in_one_statement=True)
    compare(attempt, AcceptedOrder(NUMBER), in_one_statement=True)


def test_an_order_sent_while_another_is_in_doubt(answering: Shop, alice: User) -> None:
    doubted(answering.buys(alice))
    assert compare(sent(answering.buys(alice)), answer(), in_one_statement=True).keys() == USUAL


@pytest.mark.parametrize(
    "columns",
    [
        {"outages": 2},
        {"last_answer_at": None},
        {"outages": 3, "parked_reason": "outage", "parked_at": "2026-01-01T00:00Z"},
        {"parked_reason": "not_enough_funds", "parked_at": "2026-01-01T00:00Z"},
    ],
)
def test_news_of_a_provider_that_did_not_answer(answering: Shop, alice: User, columns: dict[str, Any]) -> None:
    Provider.objects.update(**columns)
    compare(sent(answering.buys(alice)), answer(), in_one_statement=True)


def test_an_answer_that_ends_refusals_in_a_row(answering: Shop, alice: User) -> None:
    Provider.objects.update(refusals=2, refused_orders={"nope": [["1", "1", "a"]]})
    changed = compare(sent(answering.buys(alice)), answer(), in_one_statement=False)
    assert changed.keys() == {*USUAL, "catalog_provider"}


@pytest.mark.parametrize("is_open", [False, True])
def test_an_answer_that_the_breaker_counts(answering: Shop, alice: User, is_open: bool) -> None:
    doubted(answering.buys(alice))
    opened = {"tripped_at": database_now(), "tripped_because": "streak"} if is_open else {}
    BreakerState.objects.create(provider=answering.provider, streak=4, **opened)
    changed = compare(sent(answering.buys(alice), is_trial=is_open), answer(), in_one_statement=False)
    assert changed.keys() == {*USUAL, "orders_breakerstate"}


def test_an_id_that_another_order_has(answering: Shop, alice: User) -> None:
    outcomes.record(sent(answering.buys(alice)), answer(), now=database_now())
    changed = compare(sent(answering.buys(alice)), answer(), in_one_statement=False)
    assert "orders_ownid" not in changed
    assert changed.keys() >= {"orders_order", "orders_forwardattempt", "notices_alert"}


def test_an_id_that_an_order_lists_among_its_runs(answering: Shop, alice: User) -> None:
    parent = answering.drips(alice)
    outcomes.record(sent(parent), answer("10399"), now=database_now())
    ChildOrder.objects.create(parent=parent, provider=answering.provider, upstream_id=NUMBER)
    changed = compare(sent(answering.buys(alice)), answer(), in_one_statement=False)
    assert changed.keys() >= {"orders_order", "orders_forwardattempt", "notices_alert"}


def test_an_id_that_a_search_has_met(answering: Shop, alice: User) -> None:
    own_ids.note_seen(answering.provider.pk, NUMBER, None, now=database_now())
    changed = compare(sent(answering.buys(alice)), answer(), in_one_statement=False)
    assert changed.keys() == USUAL


def test_a_late_answer_about_an_order_in_doubt(answering: Shop, alice: User) -> None:
    compare(doubted(answering.buys(alice)), answer(), in_one_statement=False)


def test_a_late_answer_about_a_refunded_order(answering: Shop, alice: User) -> None:
    order = answering.buys(alice)
    attempt = doubted(order)
    lifecycle.move(order_id=order.pk, old=Forward.IN_DOUBT, new=Forward.REFUNDED, now=database_now())
    changed = compare(attempt, answer(), in_one_statement=False)
    assert changed.keys() >= {"orders_forwardattempt", "orders_ownid", "notices_alert"}


def test_an_answer_under_another_token_changes_nothing(answering: Shop, alice: User) -> None:
    attempt = sent(answering.buys(alice))
    attempt.refresh_from_db()
    attempt.token = uuid.uuid4()
    before, now = all_rows(), database_now()
    assert changes(lambda: outcomes.record(attempt, answer(), now=now), before) == {}
