"""Bugs in sending: requests repeated, requeued or believed where nothing proves that the first one failed."""

from dataclasses import replace
from typing import Any

from tests.battery.canaries.canary import swapped


def repeat_add_on_timeout() -> None:
    from upstream import client

    honest = client.exchange

    def exchange(call: Any, permit: Any = None) -> Any:
        record, cause = honest(call, permit)
        if call.action == "add" and record.deadline_fired:
            return honest(call)
        return record, cause

    client.exchange = exchange


def broken_means_not_sent() -> None:
    from upstream import client

    honest = client.exchange

    def exchange(call: Any, permit: Any = None) -> Any:
        record, cause = honest(call, permit)
        return (replace(record, send_calls=0) if record.stop == "broken" else record), cause

    client.exchange = exchange


def follow_redirects() -> None:
    import requests

    from upstream.adapter import OneExchangeAdapter

    honest = OneExchangeAdapter.send

    def send(self: Any, request: Any, **more: Any) -> Any:
        response = honest(self, request, **more)
        if response.status_code in (301, 302, 307, 308):
            headers = {"Content-Type": request.headers["Content-Type"]}
            place = response.headers["Location"]
            return requests.post(place, data=request.body, headers=headers, stream=True, timeout=5, verify=False)  # noqa: S501
        return response

    OneExchangeAdapter.send = send  # type: ignore[method-assign]


def requeue_what_was_sending() -> None:
    from django.db import transaction

    from orders import lifecycle
    from orders.forwarding import leases
    from orders.models import EventKind, Order
    from orders.states import Forward, Outcome

    manager, honest = leases._KINDS[0]

    def give_up(attempt: Any, now: Any) -> int:
        with transaction.atomic():
            order = Order.objects.select_for_update(of=("self",)).get(pk=attempt.order_id)
            if attempt.outcome != Outcome.SENDING or order.forward_state != Forward.SENDING:
                return 0 if attempt.outcome == Outcome.SENDING else honest(attempt, now)
            lifecycle.move(
                order_id=order.pk, old=Forward.SENDING, new=Forward.QUEUED, now=now, kind=EventKind.REQUEUED,
                detail={"reason": "lease"}, next_at=now,
            )  # fmt: skip
        return 1

    leases._KINDS = ((manager, give_up), *leases._KINDS[1:])


def drop_late_answers() -> None:
    from orders.forwarding import outcomes, permits
    from orders.models import ForwardAttempt
    from orders.states import Outcome

    keep, record = permits.store_exchange, outcomes.record

    def is_late(attempt: Any) -> bool:
        return attempt is not None and ForwardAttempt.objects.get(pk=attempt.pk).outcome == Outcome.IN_DOUBT

    def store_exchange(exchange: Any, *, forward_attempt: Any = None, **more: Any) -> None:
        if not is_late(forward_attempt):
            keep(exchange, forward_attempt=forward_attempt, **more)

    def only_in_time(attempt: Any, result: Any, *, now: Any) -> None:
        if not is_late(attempt):
            record(attempt, result, now=now)

    permits.store_exchange, outcomes.record = store_exchange, only_in_time


def ring_before_the_commit_and_never_sweep() -> None:
    from orders import doorbell, sweep
    from orders.checkout import placement

    placement.ring_soon_on_commit = lambda task: doorbell.ring(task)
    sweep.ring_for_due = lambda *, now: 0


def a_task_that_posts_without_a_claim() -> None:
    """The message names the order, and the broker delivers it again when its worker died."""
    from celery import shared_task
    from django.conf import settings

    from catalog.providers.connection import client_for
    from core.clock import database_now
    from orders.forwarding import dispatch, permits
    from orders.models import Order
    from orders.states import Forward
    from upstream.errors import ProviderFailure

    @shared_task(name="orders.tasks.send_order", acks_late=True, autoretry_for=(Exception,))
    def send_order(order_id: int) -> None:
        order = Order.objects.get(pk=order_id)
        client = client_for(order.provider, deadline=settings.FORWARD_DEADLINE_SECONDS)
        try:
            placed = client.add({"service": order.external_service_id, **order.fields})
        except ProviderFailure:
            return
        permits.store_exchange(placed.exchange, provider_id=order.provider_id)

    def forward_due(*, seconds: float = 60) -> int:
        waiting = Order.objects.filter(forward_state=Forward.QUEUED, next_at__lte=database_now())
        for order in waiting:
            send_order.run(order.pk)
        return len(waiting)

    dispatch.forward_due = forward_due


def believe_what_the_deadline_cut_off() -> None:
    from upstream import wire

    honest = wire._record

    def record(call: Any, journal: Any, answer: Any, fired: bool, failure: Any) -> Any:
        return honest(call, journal, answer, False, failure)

    wire._record = record


def ask_for_the_permit_before_connecting() -> None:
    from upstream import connection

    honest = connection.open_socket

    def open_socket(host: str, port: int, journal: Any) -> Any:
        if not journal.permitted:
            journal._ask_permit()
        return honest(host, port, journal)

    connection.open_socket = open_socket


def start_thawed() -> None:
    from orders import freezing
    from orders.forwarding import claiming, permits
    from orders.freezing import FROZEN_SQL

    freezing.check = lambda *, now: False
    claiming._CLAIM = swapped(claiming._CLAIM, FROZEN_SQL, "false")
    permits._PERMITS = {kind: swapped(query, FROZEN_SQL, "false") for kind, query in permits._PERMITS.items()}


def repeat_for_ever() -> None:
    from datetime import timedelta

    from orders.forwarding import repeat_rules

    repeat_rules.IN_TIME = "%(window)s::interval IS NOT NULL"
    repeat_rules.repeat_window = lambda: timedelta(days=1)


def repeat_unproven() -> None:
    from catalog.models import Provider
    from catalog.providers import repeatable
    from orders.forwarding import repeat_rules

    repeat_rules.PROVEN = "%(proof)s::text IS NOT NULL"
    repeatable.is_proven = lambda provider: True
    repeat_rules.due_providers = lambda: list(Provider.objects.values_list("pk", flat=True))


def repeat_after_a_thaw() -> None:
    from orders.forwarding import repeat_rules

    repeat_rules.NEVER_RESTORED = "true"


def change_links_at_any_time() -> None:
    from orders import link_change

    link_change.may_change_link = lambda order: True
