"""Lets browsers of visitors ask whether a page is still the same, or still elsewhere."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.utils.cache import get_conditional_response, set_response_etag


def revalidated_for_visitors[R: HttpRequest, **P](
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """Give the pages that visitors read an ETag, and answer 304 to who has the same one.

    Not those of anybody who is signed in, which no cache keeps.
    """

    @wraps(view)
    def answer(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        # The customer is set by the middleware of a room above.
        is_signed_in = bool(getattr(request, "customer", None))
        if is_signed_in or response.status_code != 200 or response.streaming:  # noqa: PLR2004
            return response
        set_response_etag(response)
        return get_conditional_response(request, etag=response["ETag"], response=response) or response

    return answer


def moved(address: str) -> HttpResponsePermanentRedirect:
    """Lead to the address that a page has now.

    Browsers keep a 301 as long as they like, and would go in circles once a name changes back: they have to ask again.
    """
    return HttpResponsePermanentRedirect(address, headers={"Cache-Control": "no-cache"})
