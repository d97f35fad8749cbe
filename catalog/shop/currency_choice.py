"""The currency in which a browser shows prices next to the shop's own, kept in a cookie."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from catalog.models import DisplayCurrency

_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class CurrencyChoice:
    """``options`` are the owner's currencies in their order; ``chosen`` is None where only the shop's own is shown."""

    options: list[DisplayCurrency]
    chosen: DisplayCurrency | None


def currency_choice(request: HttpRequest) -> CurrencyChoice:
    """Return what there is to choose and what this browser has chosen, by one SELECT."""
    options = list(DisplayCurrency.objects.filter(is_shown=True).exclude(code=settings.SHOP_CURRENCY))
    code = request.COOKIES.get(settings.CURRENCY_COOKIE_NAME, "")
    return CurrencyChoice(options, next((option for option in options if option.code == code), None))


def remember_choice(response: HttpResponse, currency: DisplayCurrency | None) -> None:
    """Keep the choice in the browser for a year; None goes back to the shop's own currency alone."""
    name, is_secure = settings.CURRENCY_COOKIE_NAME, settings.SESSION_COOKIE_SECURE
    if currency is None:
        # With the attributes that a browser wants of a __Host- cookie, or it keeps the old one.
        response.set_cookie(name, "", max_age=0, secure=is_secure, httponly=True, samesite="Lax")
    else:
        response.set_cookie(name, currency.code, max_age=_SECONDS, secure=is_secure, httponly=True, samesite="Lax")
