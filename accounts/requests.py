"""The customer of a request: the only place where the shop's pages get it from."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from core.models import ShopSettings


class ShopRequest(HttpRequest):
    """A request to a page of the shop. For a visitor ``customer`` is false: test it for truth, not with ``is None``."""

    shop: ShopSettings
    customer: User | None


class CustomerRequest(ShopRequest):
    """A request to a page behind ``login_required``, which therefore has a customer."""

    customer: User


class CustomerMiddleware:
    """Sets ``request.customer``. It is read on first use, so pages without it need no query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.customer = SimpleLazyObject(lambda: _customer_of(request))  # type: ignore[attr-defined]
        return self.get_response(request)


def _customer_of(request: HttpRequest) -> User | None:
    """The person who is signed in. Staff see the shop as a customer of their own, or as the one that they view."""
    if (viewing := getattr(request, "viewing", None)) is not None:
        customer: User = viewing.customer
        return customer
    return request.user if isinstance(request.user, User) else None
