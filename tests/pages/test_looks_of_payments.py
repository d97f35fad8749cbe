"""The pages on which staff look after payments, filled: methods, top-ups, transfers, vouchers, disputes, receipts."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User
from billing.gateways.contract import Dispute
from billing.models import BonusRule, Document, PaymentMethod, PaymentRefund, TopUp
from billing.topups import refunding, refunds_by_hand, reviewing
from billing.topups.applying import apply
from billing.topups.vouchers import make_batch
from core.clock import database_now
from core.staff_actions import shell_actor
from tests.billing.cast import customer, money
from tests.billing.topups.cast import DRIVERS, looked, method, reading, started
from tests.pages.test_looks import LOOKS, PLAIN, Look, faults_of
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "A sentence without a good place to break it, about this_payment_and_its_" + "reference" * 12


@pytest.fixture
def look() -> Look:
    return PLAIN


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], look: Look) -> dict[str, Any]:
    return {**browser_context_args, "locale": look.language, "reduced_motion": "reduce"}


def paid(who: User, by: PaymentMethod, share: str = "1") -> TopUp:
    topup = started(who, by, "934.56")
    DRIVERS[by.gateway].pays(topup, share)
    return looked(topup)


def asked_back(topup: TopUp, amount: str) -> PaymentRefund:
    return refunding.ask_refund(
        topup_id=topup.pk, payment_id=topup.payments.get().pk, amount=Decimal(amount), actor=shell_actor(),
        reason="Asked for it", now=database_now(),
    )  # fmt: skip


def filled(who: User) -> list[str]:
    """Payments in every state that staff act on; return the addresses of their pages."""
    now = database_now()
    demo, bank, coins = method(bonus_percent=2), method("manual", name="Bank " * 8), method("cryptomus", name="Coins")
    # 1. A refund by hand that is sent, one that is not, and one that waits.
    by_hand = paid(who, coins)
    first, second, _third = (asked_back(by_hand, amount) for amount in ("100", "200", "300"))
    refunds_by_hand.mark_sent(
        topup_id=by_hand.pk, refund_id=first.pk, transaction_id="9f2c4b7e0d6a4f1c" * 4, actor=shell_actor(), now=now
    )
    refunds_by_hand.mark_not_sent(topup_id=by_hand.pk, refund_id=second.pk, reason=LONG, actor=shell_actor(), now=now)
    # 2. A transfer to approve, one paid in part, one above its sum, a dispute.
    transfer = started(who, bank, "500")
    reviewing.give_notice(topup=transfer, sender="Alice Example " * 3, upload=None, now=now)
    part, above, disputed = started(who, demo, "50"), paid(who, demo, "2"), paid(who, demo)
    DRIVERS["demo"].pays(part, "0.5")
    DRIVERS["demo"].fails(part)
    looked(part)
    apply(disputed.pk, reading(disputed, "934.56", dispute=Dispute.OPEN, why=LONG), cause="gateway", now=now)
    # 3. Vouchers and a rule.
    batch, _codes = make_batch(
        name="Autumn " * 8, amount=money("25"), count=3, is_gift=False, good_until=None, actor=shell_actor(), now=now
    )
    rule = BonusRule.objects.create(percent=5, least=money("100"))
    pages = [("topup", row.pk) for row in (by_hand, transfer, part, above, disputed)]
    pages += [("paymentmethod", row.pk) for row in (demo, bank, coins)]
    pages += [("document", row.pk) for row in Document.objects.all()[:1]] + [
        ("bonusrule", rule.pk),
        ("voucherbatch", batch.pk),
    ]
    return [reverse(f"admin:billing_{name}_change", args=[pk]) for name, pk in pages]


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_payments(live_server: Any, page: Page, look: Look, settings: Any) -> None:
    settings.DEMO = True
    paths = filled(customer(has="0"))
    paths += [reverse(f"admin:billing_{name}_add") for name in ("paymentmethod", "voucherbatch", "bonusrule")]
    visitor = sign_in_staff(User.objects.create_superuser("owner@example.com", "correct horse battery"))
    cookie = visitor.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    faults = [fault for path in paths for fault in faults_of(page, live_server.url + path, look)]
    assert faults == []
