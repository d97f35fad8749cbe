"""The owner's test order: one request sent twice, to see whether the provider recognises it by its key.

The second request leaves as long after the first as a repeat ever may, so that the proof reaches as far as it is used:
some panels recognise equal orders for two minutes only, whatever their key. Both are sent by workers, through a lane.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from catalog.models import Provider, ProviderService
from catalog.pricing import provider_charge_for
from catalog.providers import repeatable
from core.clock import database_now, elapsed_clock
from core.money import multiply
from core.refusals import Refusal
from core.secrets import SecretUnreadable
from core.staff_actions import Actor, record_staff_action
from notices.containment import contained
from orders import freezing
from orders.doorbell import FORWARD, ring_on_commit
from orders.forwarding import breaker, lanes, permits, request_test_answers
from orders.forwarding.repeats import stored_answer
from orders.freezing import FROZEN_SQL
from orders.models import TEST_OPEN, RequestIdTest, RequestTestState, ShopState
from orders.timetable import repeat_window
from upstream.client import ProviderClient
from upstream.errors import InDoubt, NotSent, Refused
from upstream.messages import AcceptedOrder

#: Both requests, if the provider takes each for an order of its own.
TIMES = 2
_STEPS = {
    RequestTestState.QUEUED: (RequestTestState.FIRST, "first"),
    RequestTestState.WAITING: (RequestTestState.SECOND, "second"),
}
# One statement in autocommit on the lane's own session, as of any send: just before the first byte.
_PERMIT = """
    UPDATE orders_requestidtest t SET state = %(new)s, {step}_sent_at = statement_timestamp(), body = %(digest)s,
        leased_until = statement_timestamp() + %(lease)s::interval
    FROM catalog_provider p
    WHERE t.id = %(id)s AND t.state = %(old)s AND p.id = t.provider_id AND p.is_active AND p.parked_at IS NULL
        AND t.body IN ('', %(digest)s) AND NOT {frozen}
        AND NOT EXISTS (SELECT FROM orders_breakerstate g WHERE g.provider_id = p.id AND g.tripped_at IS NOT NULL)
    RETURNING t.id
"""


class NoTestOrder(Refusal):
    """A test order is not possible now, or not this one; the message says why."""

    code = "no_test_order"


@dataclass(frozen=True)
class TestPrice:
    """What a test order costs, in the provider's currency: once, and if it is taken for two orders."""

    once: Decimal
    at_most: Decimal


def price_of(source: ProviderService, quantity: int) -> TestPrice:
    """Return what ``quantity`` of a service costs at its provider. Raises NoTestOrder for what it does not sell."""
    if source.rate is None or source.vanished_at is not None or source.quarantine or source.type != "default":
        raise NoTestOrder(_("This service is not on sale at the provider, or needs more than a link and a quantity."))
    if not (source.min or 1) <= quantity <= (source.max or quantity):
        raise NoTestOrder(
            _("The provider takes %(min)s to %(max)s of this service.") % {"min": source.min, "max": source.max}
        )
    once = provider_charge_for(source.rate, quantity, source.unit)
    return TestPrice(once, once * TIMES)


def order_test(
    source: ProviderService, *, link: str, quantity: int, key: uuid.UUID, actor: Actor, now: datetime
) -> tuple[RequestIdTest, bool]:
    """Order a test, to be sent soon; return it and whether it is new: a form sent twice orders one. Raises NoTestOrder.

    ``key`` is the key of the request, made when the form was shown.
    """
    known = RequestIdTest.objects.filter(request_id=key).first()
    if known is not None:
        return known, False
    provider, price = source.provider, price_of(source, quantity)
    _demand_ready(provider, price)
    with transaction.atomic():
        Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
        if RequestIdTest.objects.filter(provider=provider, state__in=TEST_OPEN).exists():
            raise NoTestOrder(_("A test order is under way at this provider."))
        test, is_new = RequestIdTest.objects.get_or_create(
            request_id=key,
            defaults={
                "provider": provider,
                "external_service_id": source.external_id,
                "service_name": source.name,
                "fields": {"link": link, "quantity": str(quantity)},
                "expected_charge": price.once,
                "currency": provider.currency,
                "settings": repeatable.settings_digest(provider),
                "actor_code": actor.code,
                "actor": actor.name[:254],
                "created_at": now,
            },
        )
        if is_new:
            record_staff_action(
                actor, "provider.test_order", provider,
                after={"service": source.external_id, "link": link, "quantity": quantity, "price": price.once},
            )  # fmt: skip
            ring_on_commit(FORWARD)
    return test, is_new


def due(now: datetime) -> QuerySet[RequestIdTest]:
    """Return the test orders of which a request is due, and those whose sender is gone."""
    sendable = Q(state=RequestTestState.QUEUED) | Q(state=RequestTestState.WAITING, second_due_at__lte=now)
    sendable &= Q(provider__is_active=True, provider__parked_at=None)
    lost = Q(state__in=[RequestTestState.FIRST, RequestTestState.SECOND], leased_until__lte=now)
    return RequestIdTest.objects.filter(sendable | lost).select_related("provider").order_by("id")


def send_due(*, seconds: float) -> int:
    """Send what is due of test orders, end those that cannot go on; return how many requests were made."""
    until, sent = elapsed_clock() + seconds, 0
    thawed_at = ShopState.objects.filter(pk=1).values_list("thawed_at", flat=True).first()
    for test in due(database_now()):
        if elapsed_clock() >= until:
            break
        with contained(f"the test order at provider {test.provider_id}"):
            if test.state in (RequestTestState.FIRST, RequestTestState.SECOND):
                _give_up_test(test, now=database_now())
            elif thawed_at is not None and thawed_at >= test.created_at:
                request_test_answers.finish(
                    test, RequestTestState.UNCLEAR, _("nothing was sent for a while"), now=database_now()
                )
            elif not freezing.is_frozen():
                sent += _send_through_a_lane(test)
    return sent


def _give_up_test(test: RequestIdTest, *, now: datetime) -> None:
    """Go on with a test whose sender is gone, by its stored answer; without one it is unclear what was ordered."""
    step = "first" if test.state == RequestTestState.FIRST else "second"
    stored = test.first_exchange if step == "first" else test.second_exchange
    if stored is None:
        request_test_answers.finish(test, RequestTestState.UNCLEAR, _("its sender went away"), now=now)
    else:
        request_test_answers.record(test, step, stored_answer(stored, test.provider), now=now)


def _demand_ready(provider: Provider, price: TestPrice) -> None:
    """Raise NoTestOrder unless the provider can be tested now."""
    if not repeatable.field_of(provider):
        raise NoTestOrder(_("The provider's dialect names no request_id_field, so there is nothing to test."))
    if not provider.is_sending or freezing.is_frozen():
        raise NoTestOrder(_("Nothing is sent to this provider at the moment."))
    if breaker.is_tripped(provider.pk):
        raise NoTestOrder(_("Too many answers of this provider were unclear. Try again once its orders go through."))
    if provider.balance is not None and provider.balance < price.at_most:
        raise NoTestOrder(_("The account at the provider does not hold enough for both requests."))
    cap = breaker.cap_of(provider)
    if cap > 0 and multiply(price.at_most, provider.exchange_rate) > cap:
        raise NoTestOrder(_("This is too dear for a test. Choose a smaller quantity or a cheaper service."))


def _send_through_a_lane(test: RequestIdTest) -> int:
    with lanes.take(test.provider_id) as lane:
        if lane is None:
            return 0  # the next sweep finds it
        return _send(test, lane)


def _send(test: RequestIdTest, lane: lanes.Lane) -> int:
    """Make the request that is due and record what came of it; return 1 if it was made."""
    provider, now = Provider.objects.get(pk=test.provider_id), database_now()
    try:
        is_same = repeatable.settings_digest(provider) == test.settings
    except SecretUnreadable:
        is_same = False
    if not is_same:
        state = RequestTestState.UNCLEAR if test.first_sent_at else RequestTestState.NOTHING
        request_test_answers.finish(
            test, state, _("address, key or dialect of the provider were changed meanwhile"), now=now
        )
        return 0
    new, step = _STEPS[RequestTestState(test.state)]
    fields, key = {"service": test.external_service_id, **test.fields}, str(test.request_id)
    permitted: list[bool] = []

    def order_it(client: ProviderClient) -> AcceptedOrder:
        digest = permits.digest_of(client.add_body(fields, request_id=key))
        ask = _permit(test, lane, new, step, digest)

        def permit() -> None:
            ask()
            permitted.append(True)

        return client.add(fields, permit=permit, request_id=key)

    def keep(exchange: Any) -> None:
        with transaction.atomic():
            stored = permits.store_exchange(exchange, provider_id=provider.pk)
            RequestIdTest.objects.filter(pk=test.pk).update(**{f"{step}_exchange": stored})

    result = permits.carry_out(provider, order_it, keep=keep)
    test.refresh_from_db()
    if permitted:
        request_test_answers.record(test, step, result, now=database_now())
    else:
        _give_up_late(test, result, now=database_now())
    return 0 if isinstance(result, NotSent) else 1


def _give_up_late(test: RequestIdTest, result: AcceptedOrder | Refused | NotSent | InDoubt, *, now: datetime) -> None:
    """End a test whose provider cannot be reached, once it could no longer be the same. Another worker's is left."""
    if isinstance(result, NotSent) and result.reason != "permit" and now > test.created_at + 3 * repeat_window():
        state = RequestTestState.UNCLEAR if test.first_sent_at else RequestTestState.NOTHING
        if test.state in _STEPS:
            request_test_answers.finish(test, state, str(result), now=now)


def _permit(test: RequestIdTest, lane: lanes.Lane, new: RequestTestState, step: str, digest: str) -> Any:
    query = _PERMIT.format(step=step, frozen=FROZEN_SQL)
    lease = timedelta(seconds=settings.FORWARD_LEASE_SECONDS)
    values = {"id": test.pk, "old": str(test.state), "new": new.value, "digest": digest, "lease": lease}

    def ask() -> None:
        if lane.session.execute(query, values).fetchone() is None:
            raise permits.PermitRefused

    return ask
