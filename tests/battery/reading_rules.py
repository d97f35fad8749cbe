"""What no reading of any answer may do, whatever the body: the judge of part D. Returns complaints, empty for none."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from orders.settlement import end_of
from tests.battery.reread import (
    PLACED_KEYS,
    Pairs,
    Said,
    class_of,
    complaints,
    id_of,
    layers,
    objects,
    reread,
    state_of,
    whole,
)
from upstream.errors import ErrorClass, InDoubt, NotSent, ProviderFailure, Refused, Unavailable
from upstream.exchange import Exchange
from upstream.messages import AcceptedOrder, OrderStatus, ProviderBalance, RecentOrder, Refilled, ServiceList

TOTAL = 1000
COMMANDS = ("add", "refill", "cancel")


def judge(reader: str, exchange: Exchange, result: Any) -> list[str]:
    """Complaints about what a reader returned or raised."""
    if isinstance(result, ProviderFailure):
        return list(_failure(reader, exchange, result))
    if isinstance(result, Exception):
        return [f"{type(result).__name__} left upstream: {result}"]
    if isinstance(result, AcceptedOrder):
        return list(_placed(exchange, result))
    items = result.values() if isinstance(result, Mapping) else result if isinstance(result, list) else [result]
    return [complaint for item in items for complaint in _item(exchange, item)]


def _failure(reader: str, exchange: Exchange, failure: ProviderFailure) -> Iterable[str]:
    if len(failure.text) > 500 or "\x00" in failure.text:
        yield "the text of a failure does not fit a column"
    if isinstance(failure, NotSent):
        yield "NOT_SENT although bytes were handed over"
    if isinstance(failure, Unavailable) == (reader in COMMANDS):
        yield f"{type(failure).__name__} is no verdict about {reader}"
    if isinstance(failure, InDoubt) and any(id_of(one) != one for one in failure.candidates):
        yield f"candidates {failure.candidates} are not all ids"
    if isinstance(failure, Refused):
        yield from _refused(reader, exchange, failure)


def _refused(reader: str, exchange: Exchange, refused: Refused) -> Iterable[str]:
    if refused.error_class is ErrorClass.SERVER_FAULT:
        yield "REFUSED although the panel itself failed"
    status = exchange.http_status or 0
    if not exchange.complete or 300 <= status < 400:
        yield "REFUSED by half an answer or a redirect"
    if status == 429:
        return
    said = reread(exchange.body, exchange.content_type)
    if said is None or not isinstance(said.value, Pairs):
        yield "REFUSED by a body that is no single JSON object"
        return
    texts = next((found for layer in layers(said.value) if (found := complaints(layer))), [])
    if not any(complaints(one) for one in objects(said.value)):
        yield "REFUSED without an error text"
    if reader == "add":
        yield from _refused_order(status, said, texts, refused)


def _refused_order(status: int, said: Said, texts: list[str], refused: Refused) -> Iterable[str]:
    ids = [id_of(layer.get(key)) for layer in layers(said.value) for key in (*PLACED_KEYS, "id")]
    if any(ids):
        yield f"F3: REFUSED although the answer names the id {ids}"
    if any(layer.is_doubled for layer in layers(said.value)):
        yield "REFUSED by an object with doubled keys"
    is_gateway_word = status >= 500 and texts and texts[0].lower() == _phrase(status)
    listed = None if is_gateway_word else class_of(texts)
    if listed is None and (status >= 500 or said.noise):
        yield f"F3: REFUSED by the unlisted text {texts} under HTTP {status}"
    if listed == "server_fault":
        yield f"F3: REFUSED by the text of a failing panel {texts}"
    if refused.error_class != (listed or "other"):
        yield f"REFUSED as {refused.error_class}, the table says {listed}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return ""


def _placed(exchange: Exchange, placed: AcceptedOrder) -> Iterable[str]:
    said = reread(exchange.body, exchange.content_type)
    found = layers(said.value) if said else []
    named = {id_of(layer.get(key)) for layer in found for key in PLACED_KEYS} - {None}
    if id_of(placed.order_id) != placed.order_id:
        yield f"F5: PLACED with {placed.order_id!r}, which is no id"
    if named != {placed.order_id}:
        yield f"F5: PLACED as {placed.order_id}, the answer names {named}"
    if any(layer.is_doubled for layer in found):
        yield "F5: PLACED by an object with doubled keys"
    if any(complaints(layer) for layer in found):
        yield "F5: PLACED in spite of an error"
    if not exchange.complete or not 200 <= (exchange.http_status or 0) < 300:
        yield f"F5: PLACED under HTTP {exchange.http_status}"
    if placed.charge is not None and not (placed.charge.is_finite() and placed.charge >= 0):
        yield "I5: a charge that is no amount"


def _item(exchange: Exchange, item: Any) -> Iterable[str]:
    if isinstance(item, OrderStatus):
        yield from _money(exchange, item)
    if isinstance(item, Refilled | RecentOrder):
        name = item.refill_id if isinstance(item, Refilled) else item.order_id
        if id_of(name) != name:
            yield f"{name!r} is no id"
    if isinstance(item, ProviderBalance) and not _is_amount(item.amount):
        yield f"I5: a balance of {item.amount}"
    if isinstance(item, ServiceList):
        for row in item.rows:
            sellable = row.rate is not None and _is_amount(row.rate) and row.rate > 0 and row.name
            if not row.quarantine and not (sellable and row.min and row.max and 1 <= row.min <= row.max):
                yield f"service {row.external_id} would be sold: {row.rate} {row.min} {row.max}"
    error_class = getattr(item, "error_class", None)
    if error_class is not None and error_class not in ErrorClass:
        yield f"{error_class!r} is no class"


def _is_amount(number: Decimal) -> bool:
    return number.is_finite() and abs(number) < 10**12 and number == round(number, 18)


def _money(exchange: Exchange, status: OrderStatus) -> Iterable[str]:
    """Money moves only by an object whose own words say so, and by no more than they say."""
    if status.charge is not None and not (status.charge.is_finite() and status.charge >= 0):
        yield "I5: a charge that is no amount"
    end = end_of(status, TOTAL)
    if end is None or not end.missing:
        return
    said = reread(exchange.body, exchange.content_type)
    if not exchange.complete or not 200 <= (exchange.http_status or 0) < 300 or said is None:
        yield f"S1: {end.missing} of {TOTAL} refunded by an answer that cannot be read"
        return
    if not any(_is_leave(one, status.state, end.missing) for one in objects(said.value)):
        yield f"S4: {end.missing} of {TOTAL} refunded as {status.state} without leave"


def _is_leave(one: Pairs, state: str, missing: int) -> bool:
    """Whether one object of the answer says this state, without an error and readably."""
    if one.is_doubled or state_of(one.get("status")) != state or texts_of_error(one):
        return False
    if state != "partial":
        return missing == TOTAL
    remains = whole(one.get("remains"))
    return remains is not None and max(0, min(remains, TOTAL)) == missing


def texts_of_error(one: Pairs) -> bool:
    return bool(complaints(one)) or one.get("error") is True
