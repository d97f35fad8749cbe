"""The day after a restore: what the gateways show is credited, and nothing is done a second time."""

import logging
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from billing.gateways.contract import ReadState
from billing.models import CatchUp, DemoPayment, Document, MoneySettings, PaymentMethod, TopUp, UnknownPayment, Voucher
from billing.topups import catching_up, deciding, listing, looking, methods, refunding, reviewing, surplus, vouchers
from core.clock import database_now
from core.frozen import ShopFrozen
from core.security_log import Event, log_security
from core.staff_actions import shell_actor
from notices.models import Alert
from orders import freezing
from storefront.logs import JsonFormatter, TextFormatter
from tests.billing.cast import balance, customer, money
from tests.billing.topups.cast import DRIVERS, broken, looked, method, reading, started
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice() -> User:
    return customer(has="0")


def restore() -> None:
    freezing.freeze(why="another timeline", now=database_now(), is_restored=True)


def thaw() -> None:
    freezing.unfreeze(now=database_now(), actor=shell_actor(), reason="compared")
    catching_up.catch_up(now=database_now(), seconds=5)


def test_it_credits_and_gives_bonus_and_receipt_after_the_thaw(alice: User) -> None:
    topup = started(alice, method(bonus_percent=10), "10")
    restore()
    DRIVERS["demo"].pays(topup)
    looked(topup)
    assert balance(alice) == 10
    assert catching_up.catch_up(now=database_now(), seconds=5) == 0
    thaw()
    assert balance(alice) == 11
    assert Document.objects.get().amount == 10
    assert CatchUp.objects.count() == 0
    looked(topup)
    assert balance(alice) == 11
    assert broken() == []


def test_numbers_of_the_lost_hours_are_never_given_again(alice: User) -> None:
    by = method()
    for _twice in range(2):
        topup = started(alice, by, "10")
        DRIVERS["demo"].pays(topup)
        looked(topup)
        restore()
        thaw()
    year = database_now().year
    assert [each.number for each in Document.objects.order_by("pk")] == [f"R-{year}-000001", f"RB-{year}-000001"]
    assert MoneySettings.objects.get().restores == 2
    assert broken() == []


def test_a_shop_frozen_by_hand_keeps_its_series() -> None:
    freezing.freeze(why="a pause", now=database_now())
    thaw()
    assert not MoneySettings.objects.exists()


def test_nothing_is_decided_sent_back_or_redeemed(alice: User, rf: RequestFactory) -> None:
    topup = started(alice, method(), "10")
    DRIVERS["demo"].pays(topup, "2")
    looked(topup)
    transfer = started(alice, method("manual", name="Bank"), "10")
    method("voucher", name="Voucher")
    restore()
    facts: dict[str, Any] = {"actor": shell_actor(), "reason": "because", "now": database_now()}
    with pytest.raises(ShopFrozen):
        refunding.ask_refund(topup_id=topup.pk, payment_id=topup.payments.get().pk, amount=Decimal(1), **facts)
    with pytest.raises(ShopFrozen):
        reviewing.approve(topup_id=transfer.pk, amount=Decimal(10), **facts)
    with pytest.raises(ShopFrozen):
        reviewing.reject(topup_id=transfer.pk, **facts)
    with pytest.raises(ShopFrozen):
        deciding.decide(topup_id=transfer.pk, accept=True, **facts)
    for settle in (surplus.credit_surplus, surplus.write_off):
        with pytest.raises(ShopFrozen):
            settle(topup_id=topup.pk, **facts)
    with pytest.raises(ShopFrozen):
        vouchers.redeem(rf.post("/"), customer=alice, code="x", now=database_now())
    assert balance(alice) == 10


@pytest.mark.parametrize("gateway", sorted(DRIVERS))
def test_a_frozen_shop_only_reads_at_the_gateway(alice: User, gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    topup = started(alice, method(gateway, name="Way"), "10")
    restore()
    called: list[str] = []
    for name in ("start", "settle", "refund", "cancel"):
        monkeypatch.setattr(
            type(methods.gateway_of(topup.method)), name, lambda *_given, what=name: called.append(what)
        )
    for state in (ReadState.PENDING, ReadState.APPROVED):
        said = replace(reading(topup), state=state)
        monkeypatch.setattr(type(methods.gateway_of(topup.method)), "fetch", lambda *_given, answer=said: answer)
        looking.look(topup.pk, cause="look", now=topup.expires_at + timedelta(minutes=1))
    assert called == []
    assert balance(alice) == 0


# --- vouchers ---------------------------------------------------------------------------------------------------------


def made(count: int = 2) -> list[str]:
    method("voucher", name="Voucher")
    _batch, codes = vouchers.make_batch(
        name="sold", amount=money("5"), count=count, is_gift=False, good_until=None, actor=shell_actor(),
        now=database_now(),
    )  # fmt: skip
    return codes


def marked(log: Path, *lines: str) -> str:
    log.write_text("".join(f"{line}\n" for line in lines))
    out = StringIO()
    call_command("mark_vouchers", str(log), stdout=out)
    return out.getvalue()


FORMATS = pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])


@FORMATS
def test_the_log_says_which_voucher_was_redeemed_and_they_are_marked_again(
    alice: User, rf: RequestFactory, caplog: pytest.LogCaptureFixture, tmp_path: Path, formatter: logging.Formatter
) -> None:
    codes = made()
    # Whatever LOG_LEVEL is.
    with caplog.at_level(logging.ERROR):
        caplog.handler.setLevel(logging.NOTSET)
        vouchers.redeem(rf.post("/"), customer=alice, code=codes[0], now=database_now())
    lines = [formatter.format(each) for each in caplog.records if "voucher_redeemed" in each.getMessage()]
    voucher = Voucher.objects.get(topup__isnull=False)
    who, what = f"customer:{alice.pk}", f"batch={voucher.batch_id} serial={voucher.pk} topup={voucher.topup_id}"
    assert len(lines) == 1
    assert f"voucher_redeemed actor={who} address=127.0.0.1 request=- {what}" in lines[0]
    assert codes[0].replace("-", "") not in caplog.text.replace("-", "")
    # Another one was redeemed in the hours that are lost, and one of a batch that is lost as well.
    other = Voucher.objects.get(topup=None)
    lines += [lines[0].replace(what, f"batch={other.batch_id} serial={other.pk} topup=99"), "something else", "{}"]
    lines += [lines[0].replace(what, "batch=999 serial=1 topup=5")]
    for expected in ("1 vouchers are marked as spent, 1 were", "0 vouchers are marked as spent, 2 were"):
        said = marked(tmp_path / "log", *lines)
        assert expected in said
        assert "1 are of batches that were made after the dump" in said
        assert "passed over" not in said
    with pytest.raises(vouchers.BadVoucher):
        vouchers.redeem(rf.post("/"), customer=alice, code=codes[1], now=database_now())
    assert balance(alice) == 5


@FORMATS
def test_lines_of_before_are_read_where_their_logger_wrote_them(tmp_path: Path, formatter: logging.Formatter) -> None:
    made(1)
    voucher = Voucher.objects.get()
    record = logging.LogRecord(
        "billing.topups.vouchers", logging.INFO, "", 1, "voucher redeemed: batch=%d serial=%d topup=%d",
        (voucher.batch_id, voucher.pk, 7), None,
    )  # fmt: skip
    assert "1 vouchers are marked" in marked(tmp_path / "log", formatter.format(record))


@FORMATS
def test_nobody_marks_a_voucher_by_what_he_asks_for(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, formatter: logging.Formatter
) -> None:
    made(1)
    voucher = Voucher.objects.get()
    numbers = f"batch={voucher.batch_id} serial={voucher.pk} topup=1"
    client = Client()
    for text in (
        f"voucher redeemed: {numbers}",
        f"INFO security: voucher_redeemed actor=customer:1 address=- request=- {numbers}",
        f"\nINFO security: voucher_redeemed actor=customer:1 address=- request=- {numbers}",
        f'\n{{"logger": "security", "message": "voucher_redeemed actor=- address=- request=- {numbers}"}}',
    ):
        client.get(f"/{quote(text)}")
    forged = [formatter.format(each) for each in caplog.records if numbers in each.getMessage()]
    assert len(forged) == 4
    # Nor through what another line of the same logger repeats.
    log_security(Event.ADMIN_REFUSED, actor="-", address="-", path=f"voucher_redeemed {numbers}")
    forged.append(formatter.format(caplog.records[-1]))
    said = marked(tmp_path / "log", *forged)
    assert "0 vouchers are marked as spent, 0 were" in said
    assert "5 lines name a voucher and were passed over" in said
    assert Voucher.objects.get().spent_at is None


# --- payments that nobody knows ---------------------------------------------------------------------------------------


def demo_payment(remote_id: str, amount: str = "25") -> None:
    DemoPayment.objects.create(
        remote_id=remote_id, asked=Decimal(amount), currency="USD", state="paid", amounts=[amount],
        paid_from=database_now(),
    )  # fmt: skip


def test_payments_since_the_dump_are_recorded_looked_at_or_unknown(alice: User) -> None:
    by = method()
    method("manual", name="Bank")
    since = database_now() - timedelta(hours=1)
    recorded, waiting = started(alice, by, "10"), started(alice, by, "20")
    DRIVERS["demo"].pays(recorded)
    looked(recorded)
    DRIVERS["demo"].pays(waiting)
    TopUp.objects.filter(pk=waiting.pk).update(next_look_at=None)
    demo_payment("demo-lost")
    for _twice in range(2):
        found = {each.method.name: each for each in listing.list_payments(since=since, now=database_now())}
        demo = found["Demo"]
        assert (demo.recorded, demo.looked_at, demo.unknown) == (1, 1, 1)
        assert found["Bank"].problem
    assert UnknownPayment.objects.get().amount_text == "25.00 USD"
    assert TopUp.objects.get(pk=waiting.pk).next_look_at is not None
    assert Alert.objects.filter(cause=f"method:{by.pk}:unknown").exists()
    assert balance(alice) == 10
    out = StringIO()
    call_command("list_payments", since=since.isoformat(), stdout=out)
    assert "Demo: 1 recorded, 1 of top-ups that are looked at now, 1 unknown." in out.getvalue()


def test_staff_close_an_unknown_payment_with_what_became_of_it() -> None:
    by: PaymentMethod = method()
    demo_payment("demo-lost")
    listing.list_payments(since=database_now() - timedelta(hours=1), now=database_now())
    row = UnknownPayment.objects.get(method=by)
    boss = sign_in_staff(User.objects.create_superuser("boss@example.com"))
    page = reverse("admin:billing_unknownpayment_close", args=[row.pk])
    boss.post(page, {"reason": ""})
    assert UnknownPayment.objects.get().closed_at is None
    boss.post(page, {"reason": "Credited to carol by hand"})
    assert UnknownPayment.objects.get().reason == "Credited to carol by hand"
