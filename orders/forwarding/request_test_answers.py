"""What the answers to both requests of a test order prove. Each answer is recorded, and the second one decides."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import Provider
from catalog.providers import repeatable
from catalog.providers.connection import client_for
from core.clock import database_now
from core.staff_actions import Actor, record_staff_action
from notices import causes
from notices.alerts import raise_alert
from orders import own_ids
from orders.forwarding.outcomes import is_ours_already
from orders.models import TEST_OPEN, OwnId, RequestIdTest, RequestTestState
from orders.timetable import repeat_window
from upstream.errors import ErrorClass, InDoubt, NotSent, ProviderFailure, Refused
from upstream.messages import AcceptedOrder, OrderStatus


def record(
    test: RequestIdTest, step: str, result: AcceptedOrder | Refused | NotSent | InDoubt, *, now: datetime
) -> None:
    """Record the answer to a request that was permitted; the second one decides.

    A number is kept even if the test has ended meanwhile: an order that was bought is never forgotten.
    """
    words = result.order_id if isinstance(result, AcceptedOrder) else str(result)
    RequestIdTest.objects.filter(pk=test.pk).update(**{f"{step}_answer": words[:500]})
    if isinstance(result, AcceptedOrder):
        (_first_number if step == "first" else _second_number)(test, result.order_id, now)
    elif step == "first" and (isinstance(result, NotSent) or _is_plain_refusal(result)):
        finish(test, RequestTestState.NOTHING, words, now=now)
    else:
        finish(test, RequestTestState.UNCLEAR, words, now=now)


def _is_plain_refusal(result: Refused | InDoubt | NotSent) -> bool:
    return isinstance(result, Refused) and result.error_class is not ErrorClass.OTHER


def _first_number(test: RequestIdTest, number: str, now: datetime) -> None:
    assert test.first_sent_at is not None  # noqa: S101 - the permit wrote it
    if _was_known(test, number, test.first_sent_at):
        why = _("the answer names an order that we knew before the test")
        finish(test, RequestTestState.UNCLEAR, why, now=now)
        return
    _note_own(test, number, now)
    row = RequestIdTest.objects.filter(pk=test.pk)
    row.update(first_id=number)
    row.filter(state=RequestTestState.FIRST).update(
        state=RequestTestState.WAITING, second_due_at=test.first_sent_at + repeat_window()
    )


def _second_number(test: RequestIdTest, number: str, now: datetime) -> None:
    if number == test.first_id:
        finish(test, RequestTestState.PROVEN, "", now=now, second_id=number)
        return
    assert test.second_sent_at is not None  # noqa: S101 - the permit wrote it
    if not _was_known(test, number, test.second_sent_at):
        _note_own(test, number, now)
        RequestIdTest.objects.filter(pk=test.pk).update(second_id=number)
    both = _("two orders were bought, %(first)s and %(second)s: ask the provider to cancel one")
    both %= {"first": test.first_id, "second": number}
    finish(test, RequestTestState.TWICE, both, now=now, second_id=number)


def _was_known(test: RequestIdTest, number: str, sent_at: datetime) -> bool:
    """True if the number is of another order. A search may have met the test's own before its answer arrived."""
    known = OwnId.objects.filter(provider=test.provider_id, upstream_id=number, first_seen_at__lte=sent_at)
    return known.exists() or is_ours_already(test.provider_id, number)


def _note_own(test: RequestIdTest, number: str, now: datetime) -> None:
    """Record that this number is ours, and the provider's first answer about it."""
    own_ids.note_test(test.provider_id, number, actor=test.actor, now=now)
    client = client_for(test.provider, deadline=settings.READ_DEADLINE_SECONDS)
    try:
        item = client.status(number)
    except ProviderFailure:
        return  # its expected charge counts
    if isinstance(item, OrderStatus):
        own_ids.note_seen(test.provider_id, number, item, now=database_now())


@transaction.atomic
def finish(test: RequestIdTest, state: RequestTestState, why: str, *, now: datetime, second_id: str = "") -> None:
    """End the test; one that proved nothing alerts the owner."""
    provider = Provider.objects.select_for_update(no_key=True).get(pk=test.provider_id)
    if state is RequestTestState.PROVEN and not repeatable.note_proven(
        provider.pk, test.settings, actor=test.actor, now=now
    ):
        state, why = RequestTestState.UNCLEAR, _("address, key or dialect of the provider were changed meanwhile")
    open_ones = RequestIdTest.objects.filter(pk=test.pk, state__in=TEST_OPEN)
    if not open_ones.update(state=state, finished_at=now, second_id=second_id, result=why[:500]):
        return
    if state is not RequestTestState.PROVEN:
        Provider.objects.filter(pk=provider.pk).update(**repeatable.NO_PROOF)
        result = f"{state.label}. {why}"
        raise_alert(
            causes.TEST_ORDER_FAILED, now=now, provider=provider.pk, name=provider.name, result=result, test=test.pk
        )
    record_staff_action(
        Actor(code=test.actor_code, name=test.actor), "provider.test_order_result", provider,
        after={"result": state.value, "first": test.first_id, "second": second_id},
    )  # fmt: skip
