"""One address, one key, one action a call."""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.vary import vary_on_headers

from accounts.api_keys import PREFIX_LENGTH, authenticate
from api import recent_callers, wrong_keys
from api.actions import ACTIONS
from api.errors import INCORRECT_REQUEST, INVALID_KEY, NOT_ALLOWED, QUERY_NOT_READ, TOO_MANY_REQUESTS, ApiError
from api.incoming import Call, read_call
from api.limits import seconds_to_wait
from api.messages import ErrorAnswer
from api.pricelist import PriceList
from core.addresses import SENDER, client_address

#: A client may keep the list, and asks by its ETag whether it is still right.
_REVALIDATE = {"Cache-Control": "no-cache, private"}


@csrf_exempt
@sensitive_post_parameters("key")
@sensitive_variables("call")
def endpoint(request: HttpRequest) -> HttpResponse:
    """Answer one call. Refusals are HTTP 200 with ``{"error": …}``, as clients expect; only a limit is a 429."""
    if request.method != "POST":
        text = QUERY_NOT_READ if request.META.get("QUERY_STRING") else INCORRECT_REQUEST
        return _json(ErrorAnswer(text), status=405, headers={"Allow": "POST"})
    try:
        call = read_call(request)
        action, address = ACTIONS.get(call.action), client_address(request)

        # 1. An address that has sent too many wrong keys waits.
        if wait := wrong_keys.seconds_to_wait(call.key, address):
            return _too_many(wait)

        # 2. The caller of a recent order is not read again: the statement that writes the next one checks the key.
        counted_key = None
        recent = recent_callers.find(call, address) if action and action.from_memory else None
        if action and action.from_memory and recent and not seconds_to_wait(recent):
            counted_key = recent.key.pk
            if (answer := action.from_memory(recent, call)) is not None:
                request.META[SENDER] = _sender(call)
                return _json(answer)
            recent_callers.forget(call)

        # 3. Who calls, and how often? A call is counted once.
        caller = authenticate(
            call.key, address=address, extra=action.read_with_key(call) if action and action.read_with_key else None
        )
        if caller is None:
            if not call.key and request.META.get("QUERY_STRING"):
                raise ApiError(QUERY_NOT_READ)
            if wait := wrong_keys.count_wrong(call.key, address):
                return _too_many(wait)
            raise ApiError(INVALID_KEY)
        wrong_keys.remember_right(call.key)
        request.META[SENDER] = _sender(call)
        if caller.key.pk != counted_key and (wait := seconds_to_wait(caller)):
            return _too_many(wait)

        # 4. Do it.
        if action is None:
            raise ApiError(INCORRECT_REQUEST)
        if not caller.may(action.scope):
            raise ApiError(NOT_ALLOWED)
        answer = action.do(caller, call)
        if action.from_memory:
            recent_callers.remember(call, caller)
    except ApiError as refusal:
        return _json(ErrorAnswer(refusal.text))
    return _price_list(request, answer) if isinstance(answer, PriceList) else _json(answer)


def _sender(call: Call) -> str:
    return f"key:{call.key[:PREFIX_LENGTH]}"


def _too_many(wait: int) -> HttpResponse:
    return _json(ErrorAnswer(TOO_MANY_REQUESTS), status=429, headers={"Retry-After": str(wait)})


def _json(answer: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(answer),
        content_type="application/json",
        status=status,
        headers={"Cache-Control": "no-store, private", **(headers or {})},
    )


@vary_on_headers("Accept-Encoding")
def _price_list(request: HttpRequest, found: PriceList) -> HttpResponse:
    """The list in an encoding the client accepts, or 304 if the client has this one."""
    known = {tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")}
    if found.etag in known or found.etag.removeprefix("W/") in known:
        return HttpResponse(status=304, headers={"ETag": found.etag, **_REVALIDATE})
    body, encoding = found.packed_for(request.headers.get("Accept-Encoding", ""))
    headers = {"ETag": found.etag, **_REVALIDATE, **({"Content-Encoding": encoding} if encoding else {})}
    return HttpResponse(body, content_type="application/json", headers=headers)
