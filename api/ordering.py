"""`add`: from the fields of a call to an order."""

import re

from accounts.api_keys import CUSTOMER_ID, Caller, standing
from api.errors import INCORRECT_SERVICE, ApiError
from api.ids import read_id
from api.incoming import Call
from api.messages import PlacedAnswer
from api.order_refusals import refusal_text
from api.retries import RetryableCall, nonce_of
from core.numbers import ascii_digits
from core.prepared import Part
from core.refusals import Refusal
from orders.checkout.offers import offer_of, offer_part
from orders.checkout.placement import place_from_memory, place_order

_WHOLE = re.compile(r"[0-9]{1,15}\Z", re.ASCII)
#: A :class:`PlacedAnswer` as JSON, in the statement that places the order.
_ANSWER = "jsonb_build_object('order', placed.id)"


def offer_with_key(call: Call) -> Part:
    """Return what an order is made of, as a part of the statement that reads the key."""
    return offer_part(CUSTOMER_ID, service_id=read_id(call.get("service")), nonce=nonce_of(call.request_id))


def add(caller: Caller, call: Call) -> PlacedAnswer:
    """Place an order. Raises ApiError; with a request id a repeat finds the first order."""
    # 1. Was an order of this name placed before?
    request = RetryableCall(caller, call)
    offer = offer_of(caller.extra, caller.customer.pk)
    if offer.first_id is not None:
        return request.repeated(PlacedAnswer)
    # 2. Place it, with the answer kept in the same statement.
    service_id = read_id(call.get("service"))
    if service_id is None:
        raise ApiError(INCORRECT_SERVICE)
    fields = strict_fields(call)
    try:
        placement = place_order(
            customer=caller.customer,
            service_id=service_id,
            fields=fields,
            nonce=request.nonce,
            source="api",
            now=caller.now,
            offer=offer,
            also=request.kept_in("placed", _ANSWER, now=caller.now),
            api_key_id=caller.key.pk,
        )
    except Refusal as refusal:
        raise ApiError(refusal_text(refusal, service_id, fields)) from refusal
    # 3. A simultaneous call of the same name may have been faster.
    return request.repeated(PlacedAnswer) if placement.is_repeat else PlacedAnswer(placement.number)


def add_from_memory(caller: Caller, call: Call) -> PlacedAnswer | None:
    """Place the order of a recent caller in one statement; None if that statement wrote nothing.

    It finds no fault and explains none: :func:`add` has to say why.
    """
    service_id = read_id(call.get("service"))
    if service_id is None:
        return None
    request = RetryableCall(caller, call)
    placement = place_from_memory(
        customer=caller.customer,
        service_id=service_id,
        fields=strict_fields(call),
        nonce=request.nonce,
        source="api",
        only_while=standing(caller),
        also=request.kept_in("placed", _ANSWER, now=None),
        api_key_id=caller.key.pk,
    )
    return PlacedAnswer(placement.number) if placement else None


def strict_fields(call: Call) -> dict[str, str]:
    """Return the fields as the shop's form would send them, but read strictly.

    1,000 typed by a person is 1000; sent by a program it may be anything. Nothing and 0 both mean no drip-feed.
    """
    fields = {**call.fields, "quantity": ascii_digits(call.get("quantity"))}
    if not _WHOLE.match(fields["quantity"]):
        fields["quantity"] = ""
    if call.get("runs") in ("", "0"):
        fields["runs"] = fields["interval"] = ""
    return fields
