"""Rows of own ids, child orders and cancellations that the database must not take."""

from datetime import timedelta
from typing import Any

from core.clock import database_now
from orders.models import Cancellation, ChildOrder, OwnId, ProbeSchedule
from orders.states import Explanation
from tests.billing import cast
from tests.billing.bad_rows import Shop, refuses


def own_id(shop: Shop, upstream_id: str = "9001", **columns: Any) -> OwnId:
    known = {"first_seen_at": database_now(), **columns}
    return OwnId.objects.create(provider=shop.order.provider, upstream_id=upstream_id, **known)


def child(shop: Shop, upstream_id: str = "9001") -> ChildOrder:
    return ChildOrder.objects.create(parent=shop.order, provider=shop.order.provider, upstream_id=upstream_id)


@refuses("own_id_once")
def one_own_id_twice(shop: Shop) -> None:
    own_id(shop)
    own_id(shop)


@refuses("own_id_explained_by_attempt")
def explained_by_no_attempt(shop: Shop) -> None:
    own_id(shop, explained=Explanation.ATTEMPT)


@refuses("own_id_child_has_parent")
def a_run_of_no_order(shop: Shop) -> None:
    own_id(shop, explained=Explanation.CHILD)


@refuses("own_id_is_kept")
def a_forgotten_own_id(shop: Shop) -> None:
    own_id(shop).delete()


@refuses("own_id_is_final")
def another_number_for_an_own_id(shop: Shop) -> None:
    OwnId.objects.filter(pk=own_id(shop).pk).update(upstream_id="9002")


@refuses("own_id_is_final")
def an_own_id_first_seen_later_than_it_was(shop: Shop) -> None:
    later = database_now() + timedelta(days=1)
    OwnId.objects.filter(pk=own_id(shop).pk).update(first_seen_at=later)


@refuses("own_id_first_answer_is_final")
def another_first_answer(shop: Shop) -> None:
    row = own_id(shop, answered_at=database_now(), state="pending", charge=cast.money("0.9"))
    OwnId.objects.filter(pk=row.pk).update(charge=cast.money("0.8"))


@refuses("own_id_first_answer_is_final")
def another_first_answer_that_names_no_charge_either(shop: Shop) -> None:
    row = own_id(shop, answered_at=database_now(), state="pending", shape="plain")
    OwnId.objects.filter(pk=row.pk).update(state="completed", charge=cast.money("0"))


@refuses("own_id_first_answer_is_final")
def a_charge_of_a_canceled_order_in_place_of_the_first(shop: Shop) -> None:
    row = own_id(shop, answered_at=database_now(), state="pending", shape="plain")
    OwnId.objects.filter(pk=row.pk).update(state="canceled", charge=cast.money("0.9"))


@refuses("own_id_explanation_is_final")
def an_attempts_id_called_an_orphan(shop: Shop) -> None:
    row = own_id(shop, explained=Explanation.ATTEMPT, attempt=cast.placed(shop.order))
    OwnId.objects.filter(pk=row.pk).update(explained=Explanation.ORPHAN, attempt=None)


@refuses("child_one_per_upstream_id")
def one_child_twice(shop: Shop) -> None:
    child(shop)
    child(shop)


@refuses("child_id_not_empty")
def a_child_without_an_id(shop: Shop) -> None:
    child(shop, upstream_id="")


@refuses("cancellation_one_open_per_order")
def two_open_requests_to_cancel(shop: Shop) -> None:
    for _ in range(2):
        Cancellation.objects.create(order=shop.order, provider=shop.order.provider)


@refuses("orders_ownid_attempt_id_key")
def one_attempt_with_two_ids(shop: Shop) -> None:
    tried = cast.placed(shop.order)
    own_id(shop, explained=Explanation.ATTEMPT, attempt=tried)
    own_id(shop, "9002", explained=Explanation.ATTEMPT, attempt=tried)


@refuses("orders_probeschedule_provider_id_key")
def two_schedules_of_one_provider(shop: Shop) -> None:
    for _ in range(2):
        ProbeSchedule.objects.create(provider=shop.order.provider)
