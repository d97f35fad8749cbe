"""One call, whatever it was written in: form fields, multipart or JSON. Everything becomes text here, once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from api.errors import INCORRECT_REQUEST, INCORRECT_REQUEST_ID, TWO_REQUEST_IDS, ApiError

MOST_FIELDS = 200
#: PHP's way to send a list: orders[]=1&orders[]=2, or with numbers in the brackets.
_LIST_ITEM = re.compile(r"([^\[\]]{1,100})\[[0-9]{0,6}\]\Z", re.ASCII)
_LINES = frozenset({"comments", "usernames", "hashtags", "groups", "keywords"})
_JSON = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: The actions however a client capitalises them; one name each, since safe retries are told apart by it.
_KNOWN = {
    name.lower(): name
    for name in ("services", "add", "status", "refill", "refill_status", "cancel", "balance", "createTicket")
}
_REQUEST_ID = re.compile(r"[\x20-\x7e]{1,64}\Z", re.ASCII)


@dataclass(frozen=True)
class Call:
    """``fields`` are all but key, action and request_id. Nothing is read from the query string: it ends up in logs."""

    key: str
    action: str
    fields: Mapping[str, str]
    request_id: str = ""

    def get(self, name: str) -> str:
        return self.fields.get(name, "").strip()


def read_call(request: HttpRequest) -> Call:
    """Read the body. Raises ApiError when it is none of the three; a call without a key is a call like any other."""
    fields = _fields(request)
    key, action = fields.pop("key", "").strip(), fields.pop("action", "").strip()
    action = _KNOWN.get(action.lower(), action)
    named = fields.pop("request_id", "")
    return Call(key, action, fields, _request_id(named, request.META.get("HTTP_IDEMPOTENCY_KEY", "")))


def _request_id(field: str, header: str) -> str:
    field, header = field.strip(), header.strip()
    if field and header and field != header:
        raise ApiError(TWO_REQUEST_IDS)
    found = field or header
    if found and not _REQUEST_ID.match(found):
        raise ApiError(INCORRECT_REQUEST_ID)
    return found


def _fields(request: HttpRequest) -> dict[str, str]:
    try:
        if request.content_type == "multipart/form-data":
            return _from_pairs((name, value) for name, values in request.POST.lists() for value in values)
        body = request.body.removeprefix(_BYTE_ORDER_MARK)
    except (SuspiciousOperation, RequestDataTooBig, BadRequest, MultiPartParserError, UnreadablePostError):
        raise ApiError(INCORRECT_REQUEST) from None
    if request.content_type == "application/json" or body.lstrip()[:1] == b"{":
        return _from_json(body)
    try:
        return _from_pairs(
            parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        )
    except ValueError:
        raise ApiError(INCORRECT_REQUEST) from None


def _from_json(body: bytes) -> dict[str, str]:
    try:
        found = _JSON.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ArithmeticError):
        raise ApiError(INCORRECT_REQUEST) from None
    if len(found) > MOST_FIELDS:
        raise ApiError(INCORRECT_REQUEST)
    return {name.lower(): _text(name.lower(), value) for name, value in found.items()}


def _from_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The last of equal names counts, as in PHP; list items are put together."""
    fields: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        if item := _LIST_ITEM.match(name):
            lists.setdefault(item[1].lower(), []).append(value)
        else:
            fields[name.lower()] = value
    return {**{name: _joined(name, values) for name, values in lists.items()}, **fields}


def _text(name: str, value: Any) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "1"
        case list():
            return _joined(name, [_item(item) for item in value])
        case dict():
            raise ApiError(INCORRECT_REQUEST)
        case Decimal():
            return _plain(value)
        case _:
            return str(value)


def _plain(number: Decimal) -> str:
    """Without exponent, and a whole number without its point: some languages write 1000 as 1000.0."""
    if abs(number.adjusted()) >= 40:
        return str(number)
    return f"{number:f}" if number != number.to_integral_value() else f"{number:.0f}"


def _item(value: Any) -> str:
    if isinstance(value, list):
        raise ApiError(INCORRECT_REQUEST)
    return _text("", value)


def _joined(name: str, values: list[str]) -> str:
    return ("\n" if name in _LINES else ",").join(values)
