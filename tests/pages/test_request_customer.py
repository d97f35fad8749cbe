"""``request.customer``: the one way in which pages of the shop reach their customer."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from accounts.requests import CustomerMiddleware


def passed_through(rf: RequestFactory, user: Any) -> Any:
    """The request as a view gets it."""
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    request = rf.get("/")
    request.user = user
    CustomerMiddleware(view)(request)
    return seen[0]


@pytest.mark.django_db
@pytest.mark.parametrize("is_staff", [False, True])
def test_it_is_the_person_who_is_signed_in(rf: RequestFactory, is_staff: bool) -> None:
    user = User.objects.create_user("alice@example.com", is_staff=is_staff)
    assert passed_through(rf, user).customer == user


def test_it_is_false_for_a_visitor(rf: RequestFactory) -> None:
    assert not passed_through(rf, AnonymousUser()).customer


def test_a_page_that_does_not_use_it_does_not_read_the_session(rf: RequestFactory) -> None:
    def fail() -> User:
        raise AssertionError("request.user was read")

    passed_through(rf, SimpleLazyObject(fail))
