"""One address, one key, one action a call."""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.vary import vary_on_headers

from accounts.api_keys import Caller, authenticate
from api.actions import ACTIONS, Action
from api.errors import INCORRECT_REQUEST, INVALID_KEY, NOT_ALLOWED, TOO_MANY_REQUESTS, ApiError
from api.incoming import Call, read_call
from api.limits import seconds_to_wait
from api.messages import ErrorAnswer
from api.pricelist import PriceList
from api.regulars import Tried
from core.addresses import client_address

#: A client may keep the list, and asks by its ETag whether it is still right.
_ASK_AGAIN = {"Cache-Control": "no-cache, private"}


@csrf_exempt
@sensitive_post_parameters("key")
@sensitive_variables("call")
def endpoint(request: HttpRequest) -> HttpResponse:
    """Answer one call. Refusals are HTTP 200 with ``{"error": …}``, as clients expect; only a limit is a 429."""
    if request.method != "POST":
        return _json(ErrorAnswer(INCORRECT_REQUEST), status=405, headers={"Allow": "POST"})
    try:
        call = read_call(request)
        action, address = ACTIONS.get(call.action), client_address(request)
        tried = action.again(call, address) if action and action.again else Tried()
        if tried.answer is not None:
            return _json(tried.answer)
        beside = action.beside(call) if action and action.beside else None
        caller = authenticate(call.key, address=address, extra=beside)
        if caller is None:
            raise ApiError(INVALID_KEY)
        if caller.key.pk != tried.counted_for and (wait := seconds_to_wait(caller)):
            return _json(ErrorAnswer(TOO_MANY_REQUESTS), status=429, headers={"Retry-After": str(wait)})
        answer = _act(action, caller, call)
    except ApiError as refusal:
        return _json(ErrorAnswer(refusal.text))
    return _listed(request, answer) if isinstance(answer, PriceList) else _json(answer)


def _act(action: Action | None, caller: Caller, call: Call) -> Any:
    if action is None:
        raise ApiError(INCORRECT_REQUEST)
    if not caller.may(action.scope):
        raise ApiError(NOT_ALLOWED)
    return action.do(caller, call)


def _json(answer: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(answer),
        content_type="application/json",
        status=status,
        headers={"Cache-Control": "no-store, private", **(headers or {})},
    )


@vary_on_headers("Accept-Encoding")
def _listed(request: HttpRequest, found: PriceList) -> HttpResponse:
    """The list packed as the client likes it, or 304 for whoever has exactly this one."""
    known = {tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")}
    if found.etag in known or found.etag.removeprefix("W/") in known:
        return HttpResponse(status=304, headers={"ETag": found.etag, **_ASK_AGAIN})
    body, encoding = found.packed_for(request.headers.get("Accept-Encoding", ""))
    headers = {"ETag": found.etag, **_ASK_AGAIN, **({"Content-Encoding": encoding} if encoding else {})}
    return HttpResponse(body, content_type="application/json", headers=headers)
