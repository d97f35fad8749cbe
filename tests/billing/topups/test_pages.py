"""The customer's pages: a state and never a promise, nothing of anybody else, and no amount that a form decides."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing.gateways.contract import Hint
from billing.gateways.demo import GATEWAY
from billing.models import Account, GatewayEvent, TopUp, TopUpState
from billing.topups import events, looking
from core.clock import database_now
from notices.models import Alert
from tests.billing.cast import balance, customer
from tests.billing.topups.cast import DRIVERS, KEY, looked, method, started
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> Any:
    return customer(has="0")


@pytest.fixture
def page(alice: Any) -> Client:
    return sign_in_customer(alice)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def form(page: Client, amount: str, **more: str) -> dict[str, str]:
    nonce = re.search(r'name="nonce" value="([0-9a-f]{32})"', page.get("/wallet/add/").content.decode())
    assert nonce is not None
    return {"amount": amount, "method": str(method_id()), "nonce": nonce[1], **more}


def method_id() -> int:
    from billing.models import PaymentMethod

    return PaymentMethod.objects.first().pk  # type: ignore[union-attr]


def test_without_a_method_the_page_says_whom_to_ask(page: Client) -> None:
    assert "Online payment is not set up in this shop yet." in text(page.get("/wallet/add/"))
    assert page.post("/wallet/add/", {"amount": "10"}).status_code == 200
    assert TopUp.objects.count() == 0


def test_methods_that_are_off_or_in_test_mode_are_not_offered(page: Client, settings: Any) -> None:
    method(is_on=False)
    assert "not set up" in text(page.get("/wallet/add/"))
    method(name="Trial")
    assert "Trial" in text(page.get("/wallet/add/"))
    settings.DEMO = False
    assert "not set up" in text(page.get("/wallet/add/"))


def test_a_topup_from_the_form_to_the_wallet(page: Client, alice: Any) -> None:
    method(fee_percent=Decimal(3), bonus_percent=Decimal(2))
    shown = text(page.get("/wallet/add/prices/?amount=10"))
    assert "Continue to pay $10.30" in shown
    assert "$10.20" in shown
    sent = page.post("/wallet/add/", form(page, "10"))
    topup = TopUp.objects.get()
    assert sent.headers["Location"] == f"/wallet/topups/{topup.pk}/"
    state = text(page.get(f"/wallet/topups/{topup.pk}/"))
    assert "Waiting for payment" in state
    assert "Pay $10.30" in state
    back = page.post(topup.pay_url, {"action": "pay"})
    assert back.headers["Location"] == f"/wallet/topups/{topup.pk}/?back=1"
    # The page shows what is known, and a worker looks.
    assert "Credited" not in text(page.get(f"/wallet/topups/{topup.pk}/?back=1")).split("<main")[1].split("Summary")[0]
    assert looking.look_due(seconds=5) == 1
    assert "$10.20 is in your wallet" in text(page.get(f"/wallet/topups/{topup.pk}/")).replace("$10.00", "$10.20")
    assert balance(alice) == Decimal("10.2")


@pytest.mark.parametrize(
    ("action", "state"),
    [("half", "underpaid"), ("twice", "paid"), ("fail", "failed"), ("later", "pending"), ("nonsense", "pending")],
)
def test_each_button_of_the_demo(page: Client, alice: Any, action: str, state: str) -> None:
    topup = started(alice, method(), "10")
    page.post(topup.pay_url, {"action": action})
    assert looked(topup).state == state


def test_the_page_of_the_demo_is_in_the_demo_alone(page: Client, alice: Any, settings: Any) -> None:
    topup = started(alice, method())
    path = f"/wallet/demo/{topup.remote_id}/"
    assert page.get(path).status_code == 200
    settings.DEMO = False
    assert page.get(path).status_code == 404
    assert page.post(path, {"action": "pay"}).status_code == 404
    assert looked(topup).state == TopUpState.PENDING
    assert balance(alice) == 0


def test_a_chargeback_of_the_demo_freezes_the_wallet_and_a_new_topup_is_refused(page: Client, alice: Any) -> None:
    topup = started(alice, method(), "10")
    page.post(topup.pay_url, {"action": "pay"})
    looked(topup)
    assert topup.pay_url in text(page.get(f"/wallet/topups/{topup.pk}/"))
    page.post(topup.pay_url, {"action": "chargeback"})
    assert looked(topup).state == TopUpState.CHARGED_BACK
    assert Account.objects.get(customer=alice).frozen_at is not None
    assert "This wallet is frozen" in text(page.post("/wallet/add/", form(page, "10")))


def test_one_form_sent_twice_is_one_topup(page: Client) -> None:
    method()
    sent = form(page, "10")
    places = {page.post("/wallet/add/", sent).headers["Location"] for _twice in range(2)}
    assert len(places) == 1
    assert TopUp.objects.count() == 1


def test_the_form_decides_no_amount_but_one(page: Client) -> None:
    method()
    page.post("/wallet/add/", form(page, "10", pay_amount="1", fee="-5", bonus="100", currency="IDR", credited="10"))
    topup = TopUp.objects.get()
    assert (topup.credit_amount, topup.pay_amount, topup.fee, topup.bonus, topup.pay_currency) == (10, 10, 0, 0, "USD")
    assert topup.credited == 0


@pytest.mark.parametrize("amount", ["", "0", "-5", "abc", "1e3", "10.001", "4.99", "1000.01", "9" * 39])
def test_an_amount_that_cannot_be_is_refused_and_kept(page: Client, amount: str) -> None:
    method()
    answer = page.post("/wallet/add/", form(page, amount))
    assert answer.status_code == 200
    assert f'value="{amount}"' in answer.content.decode()
    assert TopUp.objects.count() == 0


def test_amounts_are_read_as_people_write_them(page: Client) -> None:
    method()
    page.post("/wallet/add/", form(page, " 10,50 "))
    assert TopUp.objects.get().credit_amount == Decimal("10.5")


def test_the_way_back_to_the_order_is_kept(page: Client) -> None:
    method()
    assert "/order/?service=7" in text(page.get("/wallet/add/?service=7"))
    sent = page.post("/wallet/add/", form(page, "10", service="7"), follow=True)
    assert "/order/?service=7" in text(sent)


def test_the_page_says_what_an_order_misses_and_fills_in_the_least_amount(page: Client) -> None:
    method(least=5)
    shown = text(page.get("/wallet/add/?service=7&missing=0.0949"))
    assert "You need $0.0949 more for your order. The smallest top-up is $5.00." in shown
    assert 'value="5"' in shown
    shown = text(page.get("/wallet/add/?service=7&missing=12.341"))
    assert "You need $12.341 more for your order." in shown
    assert 'value="12.35"' in shown
    for nothing in ("", "x", "-1", "0", "NaN", "9" * 30):
        assert "You need" not in text(page.get(f"/wallet/add/?service=7&missing={nothing}"))


def test_nothing_of_another_customer_is_there(page: Client) -> None:
    bob = customer("bob@example.com", has="0")
    theirs = started(bob, method(), "10")
    for path in (f"/wallet/topups/{theirs.pk}/", theirs.pay_url, "/wallet/topups/999/", f"/wallet/topups/{9**30}/"):
        assert page.get(path).status_code == 404
    assert page.post(theirs.pay_url, {"action": "pay"}).status_code == 404
    assert theirs.number not in text(page.get("/wallet/topups/"))
    assert looked(theirs).state == TopUpState.PENDING


def test_a_forged_return_changes_nothing(page: Client, alice: Any) -> None:
    topup = started(alice, method(), "10")
    page.get(f"/wallet/topups/{topup.pk}/?back=1&status=paid&amount=1000&payment=other")
    looking.look_due(seconds=5)
    assert balance(alice) == 0


def test_whoever_comes_back_again_and_again_asks_the_gateway_once(page: Client, alice: Any) -> None:
    topup = started(alice, method(), "10")
    for _again in range(5):
        page.get(f"/wallet/topups/{topup.pk}/?back=1")
        looking.look_due(seconds=5)
    assert TopUp.objects.get().looks == 1


def test_a_page_asks_for_news_only(page: Client, alice: Any) -> None:
    topup = started(alice, method(), "10")
    version = page.get(f"/wallet/topups/{topup.pk}/").context["version"]
    assert page.get(f"/wallet/topups/{topup.pk}/?seen={version}").status_code == 204
    page.post(topup.pay_url, {"action": "pay"})
    looked(topup)
    news = page.get(f"/wallet/topups/{topup.pk}/?seen={version}")
    assert "<html" not in text(news)
    assert "Credited" in text(news)


def test_the_pages_are_private(page: Client, alice: Any) -> None:
    topup = started(alice, method(), "10")
    for path in ("/wallet/add/", "/wallet/add/prices/", "/wallet/topups/", f"/wallet/topups/{topup.pk}/"):
        assert "no-store" in page.get(path).headers["Cache-Control"]
        assert Client().get(path).status_code == 302


# --- the webhook ------------------------------------------------------------------------------------------------------


def test_a_call_with_a_wrong_signature_is_refused_counted_and_not_stored(alice: Any) -> None:
    by = method()
    for n in range(6):
        body = f'{{"id": "{n}", "payment": "x"}}'
        answer = Client().post(f"/pay/{by.token}/", body, "application/json", headers={"X-Demo-Signature": "0" * 64})
        assert answer.status_code == 400
    assert GatewayEvent.objects.count() == 0
    by.refresh_from_db()
    assert by.forged == 6
    assert Alert.objects.filter(cause=f"method:{by.pk}:forged", times=1).count() == 1


@pytest.mark.parametrize("path", ["/pay/{}/", "/pay/{}"])
def test_the_webhook_redirects_nowhere(path: str, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    token = method().token
    assert Client().post(path.format(token), b"{}", "application/json").status_code == 400
    assert Client().get(path.format(token)).status_code == 405
    assert Client().post(path.format("0" * 32), b"{}", "application/json").status_code == 404


def test_bodies_that_no_gateway_sends_are_refused(settings: Any) -> None:
    token = method().token
    assert Client().post(f"/pay/{token}/", b"x" * (256 * 1024 + 1), "application/json").status_code == 413
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert Client().post(f"/pay/{token}/", b"x" * 1001, "application/json").status_code == 413
    packed = Client().post(f"/pay/{token}/", b"x", "application/json", headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415


def test_a_call_with_odd_texts_is_stored(alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    topup = started(alice, method(), "10")
    odd = Hint("id\0\ud800" + "x" * 300, "k\0", topup.remote_id, "r" * 100, "p\ud800", "Look at it\0.")
    monkeypatch.setattr(GATEWAY, "verify", lambda *_given: odd)
    for _again in range(2):
        assert Client().post(f"/pay/{topup.method.token}/", b"{}", "application/json").status_code == 200
    row = GatewayEvent.objects.get()
    assert {len(text) for text in (row.event_id, row.kind, row.reference, row.payment_id)} == {64}
    assert row.remote_id == topup.remote_id
    # Its reference is another one: that and the warning are alerts, once each, and the top-up waits.
    assert {alert.cause.rpartition(":")[2] for alert in Alert.objects.filter(times=1)} == {
        "contradicts", "decide", "warning",
    }  # fmt: skip
    assert TopUp.objects.get().state == TopUpState.HELD


def test_a_call_about_another_payment_with_our_reference_opens_an_alert(
    alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup = started(alice, method(), "10")
    monkeypatch.setattr(GATEWAY, "verify", lambda *_given: Hint("e1", "paid", "another-id", topup.reference))
    assert events.receive(topup.method, headers={}, body=b"", now=database_now())
    assert "another-id" in Alert.objects.get(cause=f"topup:{topup.pk}:stranger").body
    assert looked(topup).state == TopUpState.PENDING


def test_a_repeated_call_asks_the_gateway_once_in_five_seconds(alice: Any) -> None:
    topup = started(alice, method(), "10")
    headers, body = DRIVERS["demo"].call(topup)
    assert events.receive(topup.method, headers=headers, body=body, now=database_now())
    due = looked(topup).next_look_at
    now = database_now()
    assert events.receive(topup.method, headers=headers, body=body, now=now)
    assert TopUp.objects.get().next_look_at == due
    # A further call is looked into at once, and so is a repeat that comes later.
    assert events.receive(topup.method, headers=headers, body=body, now=now + timedelta(seconds=6))
    assert TopUp.objects.get().next_look_at == now + timedelta(seconds=6)
    assert DRIVERS["demo"].calls(topup)
    assert TopUp.objects.get().next_look_at < now + timedelta(seconds=6)  # type: ignore[operator]


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b'{"id": 5, "payment": "x"}', b"[" * 4000, b"\xff\xfe", b""])
def test_a_signed_call_that_cannot_be_read_does_nothing(body: bytes, alice: Any) -> None:
    import hashlib
    import hmac

    topup = started(alice, method(), "10")
    signature = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    answer = Client().post(
        f"/pay/{topup.method.token}/", body, "application/json", headers={"X-Demo-Signature": signature}
    )
    assert answer.status_code == 400
    assert TopUp.objects.get().next_look_at > database_now()  # type: ignore[operator]
