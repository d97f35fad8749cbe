import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.gzip import GZipMiddleware
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from accounts.models import User
from api.errors import PLAIN_HTTP
from api.views import endpoint
from api.wrong_addresses import PATHS, answer_to_wrong_address
from core.addresses import SENDER, client_address
from core.request_id import request_id
from storefront.logs import ADDRESS

_VALID_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")


class RequestIdMiddleware:
    """Gives every request an id, for the response header and the log; a valid X-Request-ID from the proxy is kept.

    It also tells the access log from where the request came, and who was signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        token = request_id.set(given if _VALID_ID.match(given) else uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            request.META[ADDRESS] = client_address(request)
            # Set by Django where a page has asked who is signed in; asking here would cost every page a query.
            if isinstance(user := getattr(request, "_cached_user", None), User):
                request.META[SENDER] = f"{'staff' if user.is_staff else 'customer'}:{user.pk}"
            return response
        finally:
            request_id.reset(token)


class ApiMiddleware:
    """Answers calls to the reseller API before the other middleware: it needs no session, form or language.

    It also answers calls to addresses that are nearly the API's.
    """

    POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in PATHS:
            return answer_to_wrong_address(request) or self.get_response(request)
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return _to_https(request)
        # The thread may still have the language of an earlier request.
        translation.activate(settings.LANGUAGE_CODE)
        answer = endpoint(request)
        # Nothing in an answer is for a browser to load. Written out, because the policy of pages is built anew each
        # time.
        answer["Content-Security-Policy"] = self.POLICY
        return answer


def _to_https(request: HttpRequest) -> HttpResponse:
    """The redirect that keeps method and body, without the query string: it may hold a key.

    Programs that do not follow it read why in its body.
    """
    address = f"https://{request.get_host()}{request.path_info}"
    headers = {"Location": address, "Cache-Control": "no-store"}
    return JsonResponse({"error": PLAIN_HTTP}, status=308, headers=headers)


class PackedPagesMiddleware(GZipMiddleware):
    """Compresses pages, also where no proxy does.

    Compression can tell an attacker a secret of a page that also repeats his words (BREACH). Here the form token is
    masked anew in each page, Django adds up to 100 random bytes, which a proxy that compresses would not, and the
    session cookie is not sent with requests that another site makes from a page of its own.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response


class NulMiddleware:
    """Refuses NUL in the path, the query string and form fields, and drops cookies with it: Postgres takes none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            raise BadRequest("NUL in the address")
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: object, _args: object, _kwargs: object) -> None:
        if any("\0" in text for name, values in request.POST.lists() for text in (name, *values)):
            raise BadRequest("NUL in a form")


class PrivatePagesMiddleware:
    """Keeps pages of signed-in people out of every cache, and empties the browser's at sign-out."""

    SIGN_OUT = frozenset({"account_logout", "admin:logout"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES or settings.SESSION_COOKIE_NAME in response.cookies:
            add_never_cache_headers(response)
        place = request.resolver_match
        if request.method == "POST" and place is not None and place.view_name in self.SIGN_OUT:
            response["Clear-Site-Data"] = '"cache"'
        return response
