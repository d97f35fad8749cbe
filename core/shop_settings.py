"""The shop's settings, read once for each request."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from core.models import ShopSettings


def shop_settings() -> ShopSettings:
    """Return the settings of the shop, by one SELECT. In a page use ``request.shop``, which keeps them.

    A process keeps no copy, so that a change holds everywhere at once.
    """
    found = ShopSettings.objects.filter(pk=1).first()
    if found is None:  # only a database whose tables were emptied
        found, _is_new = ShopSettings.objects.get_or_create(pk=1, defaults=first_values())
    return found


def first_values() -> dict[str, str]:
    """Return what the row begins with: the environment's words, which the admin's replace from then on."""
    return {
        "name": settings.SHOP_NAME[:60],
        "contact_email": settings.CONTACT_EMAIL,
        "currency": settings.SHOP_CURRENCY,
    }


class ShopSettingsMiddleware:
    """Sets ``request.shop``, read on first use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.shop = SimpleLazyObject(shop_settings)  # type: ignore[attr-defined]
        return self.get_response(request)
