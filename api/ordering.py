"""`add`: from the fields of a call to an order, and from a refusal to the words that clients know."""

import re
from collections.abc import Mapping
from datetime import datetime

from accounts.api_keys import CUSTOMER_ID, Caller, standing
from api import regulars
from api.errors import (
    ACCOUNT_SUSPENDED,
    INCORRECT_DRIPFEED,
    INCORRECT_LINK,
    INCORRECT_QUANTITY,
    INCORRECT_SERVICE,
    NO_DRIPFEED,
    NOT_ENOUGH_FUNDS,
    PRICES_CHANGING,
    SERVICE_UNAVAILABLE,
    ApiError,
)
from api.ids import number
from api.incoming import Call
from api.limits import seconds_to_wait
from api.messages import Placed
from api.regulars import Tried
from api.retries import kept_beside, nonce_of, repeated
from billing.ledger import NotEnoughMoney, WalletFrozen
from catalog.models import Service
from catalog.shop.queries import sellable
from core.prepared import Part
from core.refusals import Refusal
from orders.checkout.checks import BadFields
from orders.checkout.offers import offer_beside, offer_of
from orders.checkout.placement import PriceUnsteady, SaleBelowCost, ServiceUnavailable, place_order, place_unread
from upstream.service_types import QuantitySource, lines_of, service_type

_TEXTS: dict[type[Refusal], str] = {
    ServiceUnavailable: INCORRECT_SERVICE,
    SaleBelowCost: SERVICE_UNAVAILABLE,
    PriceUnsteady: PRICES_CHANGING,
    NotEnoughMoney: NOT_ENOUGH_FUNDS,
    WalletFrozen: ACCOUNT_SUSPENDED,
}
_WHOLE = re.compile(r"[0-9]{1,15}\Z", re.ASCII)
#: What :class:`Placed` is as JSON, in the statement that places.
_ANSWER = "jsonb_build_object('order', placed.id)"
#: Of several problems the client reads one: the first of these, then any other.
_FIRST = ("service", "link", "quantity", "comments", "usernames")


def read_beside(call: Call) -> Part:
    """What an order is made of, read together with the key."""
    return offer_beside(CUSTOMER_ID, service_id=number(call.get("service")), nonce=nonce_of(call))


def add(caller: Caller, call: Call) -> Placed:
    """Place an order. Raises ApiError; with a request id a repeat finds the first order."""
    offer = offer_of(caller.extra)
    if offer.first_id is not None:
        return repeated(caller, call, Placed)
    service_id = number(call.get("service"))
    if service_id is None:
        raise ApiError(INCORRECT_SERVICE)
    fields = _fields(call)
    try:
        placement = place_order(
            customer=caller.customer,
            service_id=service_id,
            fields=fields,
            nonce=nonce_of(call),
            source="api",
            now=caller.now,
            offer=offer,
            also=_kept(caller, call, now=caller.now),
        )
    except BadFields as refusal:
        raise ApiError(_words(refusal, sellable(service_id), fields)) from refusal
    except Refusal as refusal:
        raise ApiError(_TEXTS.get(type(refusal), SERVICE_UNAVAILABLE)) from refusal
    # The twin's deed may be the very reason why this one was not done.
    if placement.is_repeat:
        return repeated(caller, call, Placed)
    regulars.remember(call, caller)
    return Placed(placement.number)


def add_again(call: Call, address: str) -> Tried:
    """Place the order of somebody whose last one was placed, in one statement. It finds no fault: wherever that
    statement does nothing there is no answer, and :func:`add` has to say why."""
    caller, service_id = regulars.who(call, address), number(call.get("service"))
    if caller is None or service_id is None or seconds_to_wait(caller):
        return Tried()
    placement = place_unread(
        customer=caller.customer,
        service_id=service_id,
        fields=_fields(call),
        nonce=nonce_of(call),
        source="api",
        only_while=standing(caller),
        also=_kept(caller, call, now=None),
    )
    if placement is None:
        regulars.forget(call)
        return Tried(counted_for=caller.key.pk)
    return Tried(Placed(placement.number), caller.key.pk)


def _kept(caller: Caller, call: Call, *, now: datetime | None) -> Part | None:
    return kept_beside(caller, call, _ANSWER, "placed", now=now) if call.request_id else None


def _fields(call: Call) -> dict[str, str]:
    """The fields as the shop's form would send them, but strict: 1,000 typed by a person is 1000, sent by a program
    it may be anything. Nothing and 0 both say that no drip-feed is wanted."""
    fields = dict(call.fields)
    if not _WHOLE.match(call.get("quantity")):
        fields["quantity"] = ""
    if call.get("runs") in ("", "0"):
        fields["runs"] = fields["interval"] = ""
    return fields


def _words(refusal: BadFields, service: Service | None, fields: Mapping[str, str]) -> str:
    name = min(refusal.problems, key=lambda field: _FIRST.index(field) if field in _FIRST else len(_FIRST))
    kind = service_type(service.type) if service else None
    if service is None or kind is None or name == "service":
        return SERVICE_UNAVAILABLE
    if name == "link":
        return INCORRECT_LINK
    if name in ("runs", "interval"):
        return INCORRECT_DRIPFEED if service.allows_dripfeed else NO_DRIPFEED
    given = fields.get(name, "").strip()
    by_lines = name == kind.quantity_from.value and kind.quantity_from is not QuantitySource.FIELD
    if name == "quantity" or (by_lines and given):
        return _bounds(len(lines_of(given)) if by_lines else int(given or 0), service)
    return f"A valid {name} is required" if given else f"{name} is required"


def _bounds(quantity: int, service: Service) -> str:
    if 0 < quantity < service.min:
        return f"Quantity less than minimal {service.min}"
    return f"Quantity more than maximum {service.max}" if quantity > service.max else INCORRECT_QUANTITY
