"""`refill`, `refill_status` and `cancel`: requests about orders that exist. They move no money themselves."""

from collections.abc import Callable, Mapping

from django.db import connection
from django.utils import translation

from accounts.api_keys import Caller
from api.errors import INCORRECT_ORDER, NO_CANCEL, NO_REFILL, REFILL_NOT_FOUND, ApiError
from api.ids import RequestedIds, read_ids
from api.incoming import Call
from api.messages import CancelItem, ErrorAnswer, RefillAccepted, RefillItem, RefillStatusAnswer, RefillStatusItem
from api.retries import once
from api.states import refill_word
from core.refusals import Refusal
from orders.cancellations import request_cancel
from orders.models import Order, Refill
from orders.refills import NotRefillable, OutsideWindow, request_refill


def refill(caller: Caller, call: Call) -> RefillAccepted | list[RefillItem]:
    """Ask for a refill; each order of a batch succeeds or fails by itself. Raises ApiError for a single one."""
    ids = read_ids(call, "order", "orders")

    def operation() -> tuple[RefillAccepted | list[RefillItem], bool]:
        results = _for_each(caller, ids, request_one_refill)
        if ids.is_batch:
            return [RefillItem(ids.numbers[name] or name, result) for name, result in results.items()], _any(results)
        [result] = results.values()
        if isinstance(result, ErrorAnswer):
            raise ApiError(result.error)
        return RefillAccepted(str(result)), True

    answer: RefillAccepted | list[RefillItem] = once(caller, call, operation)
    return answer


def request_one_refill(caller: Caller, order: Order) -> int:
    """Return the number of the new refill. Raises ApiError."""
    try:
        return request_refill(order=order, actor=caller.customer.email, now=caller.now).pk
    except OutsideWindow as refusal:
        # The known words, with the time that no client can guess.
        with translation.override("en"):
            raise ApiError(f"{NO_REFILL}: {refusal.window.text}") from None
    except NotRefillable:
        raise ApiError(NO_REFILL) from None


def cancel(caller: Caller, call: Call) -> list[CancelItem]:
    """Ask to cancel. The answer is a list also for a single order: the only form that all clients know."""
    ids = read_ids(call, "order", "orders")

    def operation() -> tuple[list[CancelItem], bool]:
        results = _for_each(caller, ids, request_one_cancel)
        return [CancelItem(ids.numbers[name] or name, result) for name, result in results.items()], _any(results)

    answer: list[CancelItem] = once(caller, call, operation)
    return answer


def request_one_cancel(caller: Caller, order: Order) -> int:
    """Return 1 if the request was taken, now or before. Raises ApiError."""
    try:
        request_cancel(order=order, actor=caller.customer.email, now=caller.now)
    except Refusal:
        if not order.cancel_is_open:
            raise ApiError(NO_CANCEL) from None
    return 1


def refill_status(caller: Caller, call: Call) -> RefillStatusAnswer | list[RefillStatusItem]:
    """Return how refills stand. Raises ApiError for a single one that is not the caller's."""
    ids = read_ids(call, "refill", "refills")
    own = Refill.objects.filter(order__customer=caller.customer, pk__in=ids.ascending).order_by()
    words = {row.pk: refill_word(row) for row in own}
    if ids.is_batch:
        unknown = ErrorAnswer(REFILL_NOT_FOUND)
        return [RefillStatusItem(pk or name, words.get(pk or 0, unknown)) for name, pk in ids.numbers.items()]
    if (word := words.get(ids.only or 0)) is None:
        raise ApiError(REFILL_NOT_FOUND)
    return RefillStatusAnswer(word)


def _for_each(
    caller: Caller, ids: RequestedIds, request: Callable[[Caller, Order], int]
) -> dict[str, int | ErrorAnswer]:
    """Return the result of each order, in the order they were named; their rows are locked in that of their numbers."""
    own = Order.objects.filter(customer=caller.customer, pk__in=ids.ascending).order_by("pk")
    if connection.in_atomic_block:
        # A request with a name is one transaction. Orders before wallets: the refund of the first order would keep the
        # wallet, while a worker that holds a later order waits for it.
        list(own.select_for_update(of=("self",)).values_list("pk", flat=True))
    done: dict[int, int | ErrorAnswer] = {}
    for order in own:
        try:
            done[order.pk] = request(caller, order)
        except ApiError as refusal:
            done[order.pk] = ErrorAnswer(refusal.text)
    unknown = ErrorAnswer(INCORRECT_ORDER)
    return {name: done.get(pk or 0, unknown) for name, pk in ids.numbers.items()}


def _any(results: Mapping[str, int | ErrorAnswer]) -> bool:
    """True if something was done, so that the answer is worth keeping."""
    return any(isinstance(result, int) for result in results.values())
