from typing import Any

import pytest

from accounts.models import User
from tests.billing.cast import customer
from tests.billing.topups.signed.fake import FakeProgram, running_program
from tests.billing.topups.stripe.fake import FakeStripe, running_fake


@pytest.fixture(autouse=True)
def is_demo(settings: Any) -> None:
    """Only the demo offers methods in test mode, and the demo's gateway has no other."""
    settings.DEMO = True


@pytest.fixture(autouse=True)
def fake_stripe(settings: Any) -> FakeStripe:
    """Stripe's side on loopback, empty for each test."""
    fake = running_fake()
    fake.reset()
    settings.STRIPE_API_ADDRESS = fake.url
    return fake


@pytest.fixture(autouse=True)
def fake_program() -> FakeProgram:
    """The program of an owner with a gateway of his own, empty for each test."""
    fake = running_program()
    fake.reset()
    return fake


@pytest.fixture
def alice(db: None) -> User:
    """A customer with an empty wallet."""
    return customer(has="0")
