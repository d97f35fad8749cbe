"""Confirming who one is: a form that was sent before runs afterwards only in the browser that sent it.

allauth keeps such a form in the session. Whoever holds a stolen session could leave a form there, wait until the owner
confirms on some other page, and have it run in the owner's name. So the browser that sent it gets a cookie, which the
owner's browser lacks.
"""

import secrets
from collections.abc import Callable

from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from django.conf import settings
from django.http import HttpRequest, HttpResponse

_BROWSER = "browser"


class KeptFormMiddleware:
    """Binds the form that allauth's middleware, which comes next, keeps in the session to the browser that sent it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # 1. A form that another browser left is dropped before anything can run it.
        kept = request.session.get(STATE_SESSION_KEY) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        mark, cookie = kept and kept.get(_BROWSER), request.COOKIES.get(settings.KEPT_FORM_COOKIE_NAME, "")
        if kept and not (mark and secrets.compare_digest(mark.encode(), cookie.encode("utf-8", "replace"))):
            del request.session[STATE_SESSION_KEY]
        response = self.get_response(request)
        # 2. One that this request left gets its browser's mark.
        kept = request.session.get(STATE_SESSION_KEY) if request.session.accessed else None
        if kept and _BROWSER not in kept:
            mark = secrets.token_urlsafe(24)
            request.session[STATE_SESSION_KEY] = {**kept, _BROWSER: mark}
            response.set_cookie(
                settings.KEPT_FORM_COOKIE_NAME,
                mark,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Strict",
            )
        return response
