"""One call, whether form fields, multipart or JSON. Every value becomes text here, once."""

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
#: The actions in any capitals; one name each, because safe retries are kept under it.
_KNOWN = {
    name.lower(): name
    for name in ("services", "add", "status", "refill", "refill_status", "cancel", "balance", "createTicket")
}
#: What programs write for a value that they do not have, in fields where it cannot be a text that somebody meant.
_ABSENT = frozenset({"undefined", "null", "none"})
_MAY_BE_ABSENT = frozenset(
    {
        "runs", "interval", "delay", "expiry", "old_posts", "posts", "min", "max", "quantity", "country", "device",
        "type_of_traffic", "google_keyword", "referring_url", "answer_number", "request_id",
    }
)  # fmt: skip
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
    # 1. The fields, whatever they are written in.
    try:
        if request.content_type == "multipart/form-data":
            fields = _from_pairs((name, value) for name, values in request.POST.lists() for value in values)
        else:
            body = request.body.removeprefix(_BYTE_ORDER_MARK)
            if request.content_type == "application/json" or body.lstrip()[:1] == b"{":
                fields = _from_json(body)
            else:
                text = body.decode("utf-8", "replace")
                fields = _from_pairs(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except (SuspiciousOperation, RequestDataTooBig, BadRequest, MultiPartParserError, UnreadablePostError, ValueError):
        raise ApiError(INCORRECT_REQUEST) from None
    # 2. Key and action.
    key, action = fields.pop("key", "").strip(), fields.pop("action", "").strip()
    # 3. The name that its sender gave the request, in a field or in a header.
    named = fields.pop("request_id", "").strip()
    header = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if named and header and named != header:
        raise ApiError(TWO_REQUEST_IDS)
    request_id = named or header
    if request_id and not _REQUEST_ID.match(request_id):
        raise ApiError(INCORRECT_REQUEST_ID)
    for name in _MAY_BE_ABSENT & fields.keys():
        if fields[name].strip().lower() in _ABSENT:
            fields[name] = ""
    return Call(key, _KNOWN.get(action.lower(), action), fields, request_id)


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
            if any(isinstance(item, list) for item in value):
                raise ApiError(INCORRECT_REQUEST)
            return _joined(name, [_text("", item) for item in value])
        case dict():
            raise ApiError(INCORRECT_REQUEST)
        case Decimal() if abs(value.adjusted()) < 40:
            # Without exponent, and a whole number without its point: some languages write 1000 as 1000.0.
            return f"{value:f}" if value != value.to_integral_value() else f"{value:.0f}"
        case _:
            return str(value)


def _joined(name: str, values: list[str]) -> str:
    return ("\n" if name in _LINES else ",").join(values)
