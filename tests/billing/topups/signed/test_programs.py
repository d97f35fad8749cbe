"""The two sample programs of the documentation, run as they are: a customer pays at them, and the shop credits it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from billing.gateways.contract import NoAnswer
from billing.gateways.signed import GATEWAY
from billing.models import GatewayEvent, PaymentMethod, TopUpState
from billing.topups import looking, methods
from billing.topups.starting import asked_of
from tests.billing.cast import balance, customer, money
from tests.billing.topups.cast import broken, looked, started
from tests.billing.topups.signed.fake import ANSWER_KEY
from tests.billing.topups.signed.programs import running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["gateway.py", "gateway.php"])
def by(request: pytest.FixtureRequest, tmp_path: Path, live_server: Any, settings: Any) -> Iterator[PaymentMethod]:
    """A method whose gateway is a program of the documentation, running."""
    settings.SHOP_URL = live_server.url
    with running(request.param, tmp_path) as row:
        yield row


def opened(url: str) -> tuple[int, str]:
    answer = requests.get(url, timeout=20, allow_redirects=False)
    return answer.status_code, answer.text


def pressed(url: str, reference: str) -> tuple[int, str]:
    """Press the button of the page; return the status and where the customer is sent."""
    path = "/pay" if urlsplit(url).path == "/start" else "/"
    answer = requests.post(urljoin(url, path), {"reference": reference}, timeout=20, allow_redirects=False)
    return answer.status_code, answer.headers.get("Location", "")


def test_a_customer_pays_there_and_the_shop_credits_it_once(by: PaymentMethod) -> None:
    assert GATEWAY.check(methods.config_of(by)) == []
    alice = customer(has="0")
    topup = started(alice, by, "25")
    assert (looked(topup).state, balance(alice)) == (TopUpState.PENDING, 0)
    status, page = opened(topup.pay_url)
    assert status == 200
    assert f"{topup.number}: 25.00 USD" in page
    assert looked(topup).state == TopUpState.PENDING
    assert pressed(topup.pay_url, topup.reference) == (303, asked_of(topup).return_url)
    assert GatewayEvent.objects.get().remote_id == topup.reference
    assert looking.look_due(seconds=10) == 1
    topup.refresh_from_db()
    assert (topup.state, balance(alice)) == (TopUpState.PAID, money("25"))
    pressed(topup.pay_url, topup.reference)
    looked(topup)
    assert (topup.payments.count(), balance(alice), broken()) == (1, money("25"), [])


def test_a_changed_link_and_a_payment_of_nobody_are_refused(by: PaymentMethod) -> None:
    topup = started(customer(has="0"), by, "25")
    changed = topup.pay_url.replace("amount=25.00", "amount=0.50")
    assert changed != topup.pay_url
    assert opened(changed)[0] == 403
    assert opened(topup.pay_url.partition("?")[0])[0] == 403
    assert pressed(topup.pay_url, topup.reference)[0] == 404
    assert pressed(topup.pay_url, "../" + topup.reference)[0] == 404
    assert looked(topup).state == TopUpState.PENDING


def test_a_live_payment_is_not_paid_by_a_button(by: PaymentMethod) -> None:
    PaymentMethod.objects.update(is_live=True)
    by.refresh_from_db()
    topup = started(customer(has="0"), by, "25")
    assert "<button" not in opened(topup.pay_url)[1]
    pressed(topup.pay_url, topup.reference)
    assert looked(topup).state == TopUpState.PENDING
    assert topup.payments.count() == 0


def test_a_request_that_the_shop_did_not_sign_is_refused(by: PaymentMethod) -> None:
    config = methods.config_of(by)
    wrong = type(config)({**config.values, "request_key": ANSWER_KEY}, is_live=False)
    with pytest.raises(NoAnswer, match="HTTP 403"):
        GATEWAY.check(wrong)
