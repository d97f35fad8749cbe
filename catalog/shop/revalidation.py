"""Lets browsers of visitors ask whether a page is still the same, instead of loading it again."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from django.http import HttpResponse
from django.utils.cache import get_conditional_response, set_response_etag

from accounts.requests import ShopRequest


def revalidated_for_visitors[**P](
    view: Callable[Concatenate[ShopRequest, P], HttpResponse],
) -> Callable[Concatenate[ShopRequest, P], HttpResponse]:
    """Give the pages that visitors read an ETag, and answer 304 to who has the same one.

    Not those of anybody who is signed in, which no cache keeps.
    """

    @wraps(view)
    def answer(request: ShopRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if request.customer or response.status_code != 200 or response.streaming:
            return response
        set_response_etag(response)
        return get_conditional_response(request, etag=response["ETag"], response=response) or response

    return answer
