"""Which languages the shop offers, how an address says one, and which one somebody chose.

The default language (LANGUAGE_CODE) has no prefix, every other one has: ``/orders/``, ``/es/orders/``. The address
decides what a page is written in. An address without a prefix leads on to the language that was chosen before, if any.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.cache import patch_cache_control, patch_vary_headers

from core.models import ShopSettings

#: The owner's side is in English, so English pages are there even where customers are not offered them.
OWNERS = "en"
#: Beginnings of addresses that have no language, because programs, search engines or the owner use them. None of them
#: is ever redirected to one.
NEUTRAL = (
    "/admin/", "/api/", "/favicon.ico", "/healthz", "/language/", "/pay/", "/readyz", "/robots.txt", "/sitemap",
    "/static/",
)  # fmt: skip
KEEP_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class PageLanguage:
    """A language of the shop, with the address of one page in it. ``name`` is what its speakers call it."""

    code: str
    name: str
    path: str = ""
    is_current: bool = False


def offered(shop: ShopSettings) -> list[str]:
    """Return the codes of the languages that customers may choose, the default one first."""
    others = [code for code, _name in settings.LANGUAGES if code in shop.languages]
    return list(dict.fromkeys([settings.LANGUAGE_CODE, *others]))


def language_of(path: str) -> str:
    """Return the code that a path begins with, or the default language."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in dict(settings.LANGUAGES) else str(settings.LANGUAGE_CODE)


def in_language(path: str, code: str) -> str:
    """Return the address of the same page in another language; ``path`` may have a query string.

    Addresses without a language stay as they are.
    """
    if path.startswith(NEUTRAL):
        return path
    prefix = f"/{path.split('/', 2)[1]}" if language_of(path) != settings.LANGUAGE_CODE else ""
    # One slash only: "//host" would be an address of another site.
    plain = "/" + path.removeprefix(prefix).lstrip("/")
    return plain if code == settings.LANGUAGE_CODE else f"/{code}{plain}"


def page_languages(path: str, shop: ShopSettings) -> list[PageLanguage]:
    """Return the offered languages with the address of this page in each; none if the page has only one."""
    codes = offered(shop)
    if len(codes) < 2 or path.startswith(NEUTRAL):
        return []
    current, names = language_of(path), dict(settings.LANGUAGES)
    return [PageLanguage(code, str(names[code]), in_language(path, code), code == current) for code in codes]


def known(code: str, among: Iterable[str]) -> str:
    """Return ``code`` if it is one of those, else the default language."""
    return code if code in among else str(settings.LANGUAGE_CODE)


def remember(response: HttpResponse, code: str) -> None:
    """Have the browser keep the choice for a year."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=KEEP_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


class LanguageMiddleware:
    """Answers in the language of the address, or leads on to the one that the visitor chose before.

    Another than Django's, which would choose by the browser's settings: one address has one text, for every cache.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = language_of(request.path_info)
        if request.path_info.startswith(NEUTRAL):
            language = OWNERS
        elif language != settings.LANGUAGE_CODE:
            if language not in {*offered(request.shop), OWNERS}:  # type: ignore[attr-defined]
                raise Http404("a language that the shop does not offer")
        elif (chosen := self._chosen(request)) != language:
            response: HttpResponse = HttpResponseRedirect(in_language(request.get_full_path(), chosen))
            patch_vary_headers(response, ["Cookie"])
            patch_cache_control(response, private=True, no_cache=True)
            return response
        # Undone at the end: what answers without this middleware must not speak the language of an earlier request.
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        if language == settings.LANGUAGE_CODE:
            patch_vary_headers(response, ["Cookie"])
        if code := getattr(request, "language_to_remember", ""):
            remember(response, code)
        return response

    @staticmethod
    def _chosen(request: HttpRequest) -> str:
        """The language to lead on to from an address without one: only pages move, never forms or parts of a page."""
        code = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        is_page = request.method in ("GET", "HEAD") and "HX-Request" not in request.headers
        if not is_page or code not in dict(settings.LANGUAGES):
            return str(settings.LANGUAGE_CODE)
        return known(code, offered(request.shop))  # type: ignore[attr-defined]
