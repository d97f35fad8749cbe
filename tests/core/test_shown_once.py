"""A secret waits sealed for one page, and for no longer than a browser takes to ask for it."""

from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from core.shown_once import KEPT_FOR, keep_for_page, take_for_page

NOW = timezone.now()


def request_with_session() -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    return request


def test_a_secret_is_sealed_until_its_page_and_shown_there_once() -> None:
    request = request_with_session()
    keep_for_page(request, "key", "a-secret-of-one-page", now=NOW)
    assert "a-secret" not in str(dict(request.session.items()))
    assert take_for_page(request, "other", now=NOW) is None
    assert take_for_page(request, "key", now=NOW) == "a-secret-of-one-page"
    assert take_for_page(request, "key", now=NOW) is None


def test_a_secret_that_waits_too_long_or_cannot_be_read_is_forgotten() -> None:
    request = request_with_session()
    keep_for_page(request, "key", "x", now=NOW)
    assert take_for_page(request, "key", now=NOW + 2 * KEPT_FOR) is None
    assert take_for_page(request, "key", now=NOW) is None
    request.session["key"] = ["sealed under another key", (NOW + KEPT_FOR).timestamp()]
    assert take_for_page(request, "key", now=NOW) is None
