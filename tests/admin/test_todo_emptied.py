"""The to-do list in a browser, on a phone: each line is clicked on Today, decided where it leads, and then gone."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, expect

from accounts.models import User
from billing.audit import EQUATIONS, check
from catalog.models import ProviderService, Service
from core.clock import database_now
from notices.alerts import open_alert
from orders.models import BreakKind, Order, ReconciliationBreak
from orders.states import Forward
from support.tickets import open_ticket
from tests.billing import cast
from tests.billing.cast import balance, money
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.pages.conftest import overflow
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


def something_of_each_kind(alice: User, service: Service, partial: Order) -> None:
    """Something for each line that is decided without a provider's answer; one order is in doubt already."""
    now = database_now()
    cast.order(alice, service, nonce="waits", next_at=now - timedelta(hours=1))
    refunded = cast.order(alice, service, nonce="refunded")
    cast.doubted(refunded)
    cast.move(refunded, Forward.REFUNDED, finished_at=now)
    cast.settled(refunded, "1")
    Order.objects.filter(pk=partial.pk).update(needs_review="partial without a readable remains")
    ReconciliationBreak.objects.create(
        provider=service.source.provider, kind=BreakKind.BALANCE, amount=Decimal("-0.31"), currency="USD",
        first_seen=now, last_seen=now,
    )  # fmt: skip
    ProviderService.objects.update(quarantine=["rate_jump: 0.05 became 0.5"])
    open_ticket(customer=alice, subject="Where is it?", message="?", now=now)
    topup = started(alice, method(), "50")
    DRIVERS["demo"].pays(topup, "0.5")
    DRIVERS["demo"].fails(topup)
    looked(topup)
    open_alert(cause="odd", title="Something odd", now=now)


def _row(page: Page) -> None:
    page.locator("#result_list tbody th a").first.click()


def _press(page: Page, name: str, said: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_text(said).first.wait_for()


def _doubt(page: Page) -> None:
    _row(page)
    page.locator("#refund_reason").fill("not in the panel")
    _press(page, "Refund $2.64", "was not placed.")


def _refunded_doubt(page: Page) -> None:
    _row(page)
    page.locator("#refund_reason").fill("not in the panel")
    _press(page, "It was not placed", "was not placed.")


def _review(page: Page) -> None:
    _row(page)
    page.locator("#settleform_missing").fill("300")
    page.locator("#settleform_reason").fill("seen in the panel")
    _press(page, "Show what it does", "What it does")
    _press(page, "Refund $0.6435", "is settled")


def _waiting(page: Page) -> None:
    _row(page)
    page.get_by_role("link", name="Cancel…").click()
    page.locator("#decision_reason").fill("asked by chat")
    _press(page, "Refund $1.00", "was canceled and refunded.")


def _difference(page: Page) -> None:
    _row(page)
    page.get_by_label("Reason").fill("paid by card")
    page.locator("button[value=close]").click()
    page.get_by_text("Noted").wait_for()


def _ticket(page: Page) -> None:
    page.locator("[name=text]").fill("It is on its way.")
    _press(page, "Send", "The answer was sent.")


def _topup(page: Page) -> None:
    _row(page)
    page.locator("#decide-reason").fill("seen in the account")
    page.get_by_role("button", name="Credit what came in").click()
    page.locator(".messagelist").wait_for()


def _service(page: Page) -> None:
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("accept")
    page.get_by_role("button", name="Run").click()
    _press(page, "Change 1 price", "1 row was accepted.")


def _alert(page: Page) -> None:
    _press(page, "Close", "The alert is closed.")


DECIDED: dict[str, Callable[[Page], None]] = {
    "order in doubt": _doubt,
    "refunded order that may have been placed": _refunded_doubt,
    "order to review": _review,
    "order waiting too long": _waiting,
    "difference of accounts": _difference,
    "ticket to answer": _ticket,
    "top-up to decide": _topup,
    "service changed and set aside": _service,
    "other alert": _alert,
}


def test_the_list_is_emptied_line_by_line(
    page: Page, live_server: Any, owner: User, alice: User, service: Service, doubted: Order, partial: Order,
    settings: Any,
) -> None:  # fmt: skip
    settings.DEMO, settings.DOUBT_SETTLE_SECONDS = True, 0
    something_of_each_kind(alice, service, partial)
    before = balance(alice)
    cookie = sign_in_staff(owner).cookies[django_settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/admin/")
    lines = page.locator(".todo a")
    expect(lines).to_have_count(len(DECIDED))
    for number, (what, decide) in enumerate(DECIDED.items(), start=1):
        lines.filter(has_text=what).first.click()
        page.wait_for_load_state()
        assert overflow(page) == 0, what
        decide(page)
        page.goto(f"{live_server.url}/admin/")
        expect(lines).to_have_count(len(DECIDED) - number)
    page.get_by_text("Nothing to decide. The shop runs by itself.").wait_for()
    # What was refunded and credited is in the wallet, and the books are whole.
    assert balance(alice) == before + money("2.64") + money("0.6435") + money("1") + money("25")
    assert [found.name for found in check(EQUATIONS) if not found.holds] == []
