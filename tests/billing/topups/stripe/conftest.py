"""A customer, a top-up at Stripe, and one that is paid."""

import pytest

from accounts.models import User
from billing.models import TopUp
from tests.billing.cast import customer
from tests.billing.topups.cast import looked, method, started
from tests.billing.topups.stripe.fake import FakeStripe


@pytest.fixture
def alice() -> User:
    return customer(has="0")


@pytest.fixture
def topup(alice: User) -> TopUp:
    return started(alice, method("stripe", "Card"), "25")


@pytest.fixture
def paid(topup: TopUp, fake_stripe: FakeStripe) -> TopUp:
    fake_stripe.pay(topup.remote_id)
    return looked(topup)
