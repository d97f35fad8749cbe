from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from catalog.models import Service
from orders.models import Order, ProviderExchange
from orders.states import Outcome, Progress
from tests.billing import cast
from tests.sign_in import sign_in_staff

KEY = "a-key-nobody-may-see"


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_superuser("owner@example.com", "correct horse battery")


@pytest.fixture
def clerk(db: None) -> User:
    """Staff without any right."""
    return User.objects.create_user("clerk@example.com", is_staff=True)


@pytest.fixture
def alice(db: None) -> User:
    return cast.customer()


@pytest.fixture
def service(db: None) -> Service:
    return cast.service(cast.provider(key=KEY))


@pytest.fixture
def admin(owner: User) -> Client:
    return as_(owner)


def as_(user: User) -> Client:
    return sign_in_staff(user)


@pytest.fixture
def doubted(alice: User, service: Service) -> Order:
    """An order whose answer was lost, with what was said."""
    order = cast.order(alice, service, "2.64", link="https://example.com/<script>alert(1)</script>")
    attempt = cast.doubted(order, candidates=["77001"])
    said: dict[str, Any] = {"action": "add", "sent": {"key": "[key]", "link": order.link}, "error": "ReadTimeout"}
    ProviderExchange.objects.create(provider=order.provider, action="add", forward_attempt=attempt, transcript=said)
    return order


@pytest.fixture
def partial(alice: User, service: Service) -> Order:
    order = cast.order(alice, service, "4.5")
    cast.placed(order, "9002", progress=Progress.PARTIAL, remains=157, provider_charge="1.9")
    cast.settled(order, "0.7065")
    tried = cast.refill_attempt(cast.refill(order))
    cast.end(tried, Outcome.SENDING, Outcome.PLACED, upstream_id="R1", send_calls=1)
    return order
