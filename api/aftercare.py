"""`refill`, `refill_status` and `cancel`: wishes about orders that exist. No money moves by any of them."""

from collections.abc import Callable, Mapping

from accounts.api_keys import Caller
from api.errors import INCORRECT_ORDER, NO_CANCEL, NO_REFILL, REFILL_NOT_FOUND, ApiError
from api.ids import Asked, asked
from api.incoming import Call
from api.messages import CancelItem, ErrorAnswer, RefillAccepted, RefillItem, RefillState, RefillStateItem
from api.retries import once
from api.states import refill_word
from core.refusals import Refusal
from orders.cancellations import request_cancel
from orders.models import Order, Refill
from orders.refills import NotRefillable, request_refill

type Wish = Callable[[Caller, Order], int]


def refill(caller: Caller, call: Call) -> RefillAccepted | list[RefillItem]:
    """Ask for a refill; each item of a batch succeeds or fails by itself."""
    wanted = asked(call, "order", "orders")
    if not wanted.is_batch:
        single: RefillAccepted = once(caller, call, lambda: (_single_refill(caller, wanted), True))
        return single
    batch: list[RefillItem] = once(caller, call, lambda: _refills(caller, wanted))
    return batch


def _single_refill(caller: Caller, wanted: Asked) -> RefillAccepted:
    [result] = _each(caller, wanted, _refill).values()
    if isinstance(result, ErrorAnswer):
        raise ApiError(result.error)
    return RefillAccepted(str(result))


def _refills(caller: Caller, wanted: Asked) -> tuple[list[RefillItem], bool]:
    results = _each(caller, wanted, _refill)
    return [RefillItem(wanted.numbers[name] or name, said) for name, said in results.items()], _any_done(results)


def _refill(caller: Caller, order: Order) -> int:
    try:
        return request_refill(order=order, actor=caller.customer.email, now=caller.now).pk
    except NotRefillable:
        raise ApiError(NO_REFILL) from None


def ask_to_cancel(caller: Caller, order: Order) -> int:
    """1 when the wish was taken, also when it was taken before. Raises ApiError."""
    try:
        request_cancel(order=order, actor=caller.customer.email, now=caller.now)
    except Refusal:
        if not order.cancel_is_open:
            raise ApiError(NO_CANCEL) from None
    return 1


def cancel(caller: Caller, call: Call) -> list[CancelItem]:
    """Ask to cancel. A list also for a single order: that is the only form the field has agreed on."""
    wanted = asked(call, "order", "orders")
    answer: list[CancelItem] = once(caller, call, lambda: _cancels(caller, wanted))
    return answer


def _cancels(caller: Caller, wanted: Asked) -> tuple[list[CancelItem], bool]:
    results = _each(caller, wanted, ask_to_cancel)
    return [CancelItem(wanted.numbers[name] or name, said) for name, said in results.items()], _any_done(results)


def _each(caller: Caller, wanted: Asked, wish: Wish) -> dict[str, int | ErrorAnswer]:
    """What became of each order, in the order they were asked for; locked in that of their numbers."""
    mine = Order.objects.filter(customer=caller.customer, pk__in=wanted.found).order_by("pk")
    done = {order.pk: _tried(caller, order, wish) for order in mine}
    unknown = ErrorAnswer(INCORRECT_ORDER)
    return {name: done.get(pk or 0, unknown) for name, pk in wanted.numbers.items()}


def _tried(caller: Caller, order: Order, wish: Wish) -> int | ErrorAnswer:
    try:
        return wish(caller, order)
    except ApiError as refusal:
        return ErrorAnswer(refusal.text)


def _any_done(results: Mapping[str, int | ErrorAnswer]) -> bool:
    return any(isinstance(said, int) for said in results.values())


def refill_status(caller: Caller, call: Call) -> RefillState | list[RefillStateItem]:
    wanted = asked(call, "refill", "refills")
    mine = Refill.objects.filter(order__customer=caller.customer, pk__in=wanted.found).order_by()
    words = {row.pk: refill_word(row) for row in mine}
    if wanted.is_batch:
        unknown = ErrorAnswer(REFILL_NOT_FOUND)
        return [RefillStateItem(pk or name, words.get(pk or 0, unknown)) for name, pk in wanted.numbers.items()]
    if (word := words.get(wanted.only or 0)) is None:
        raise ApiError(REFILL_NOT_FOUND)
    return RefillState(word)
