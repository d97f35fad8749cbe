"""What an owner does most days, in a browser, in as few clicks as docs/day.md says. Typing is no click, Enter is one.

The clicks of prices and of a second provider are counted in tests/catalog/test_browser.py.
"""

from dataclasses import dataclass

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Locator, Page

from accounts.models import User
from billing.audit import EQUATIONS, check
from catalog.models import Service
from core.clock import database_now
from core.models import StaffAction
from support.models import Ticket
from support.tickets import open_ticket
from tests.billing import cast
from tests.billing.cast import balance, money
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Owner:
    """Somebody at the admin whose clicks are counted from each :meth:`begins` on."""

    page: Page
    address: str
    clicks: int = 0

    def begins(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")
        self.clicks = 0

    def click(self, where: Locator) -> None:
        where.click()
        self.clicks += 1

    def finds(self, text: str) -> None:
        """Use the search of every page."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")
        self.clicks += 1

    def button(self, name: str) -> None:
        self.click(self.page.get_by_role("button", name=name, exact=True))

    def link(self, name: str) -> None:
        self.click(self.page.get_by_role("link", name=name).first)


def test_the_jobs_of_a_day(page: Page, live_server: object, owner: User, alice: User, service: Service) -> None:
    cookie = sign_in_staff(owner).cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": str(live_server)}])
    boss = Owner(page, str(live_server))
    order = cast.order(alice, service, "10")
    cast.placed(order, "9002")
    open_ticket(customer=alice, subject="Slow", message="When?", now=database_now())

    # Today's profit: 0.
    boss.begins("/admin/")
    page.get_by_text("Profit today").wait_for()

    # Why an order is stuck: at most 2.
    boss.finds(str(order.pk))
    page.wait_for_url(lambda url: "/find/" in url or "/order/" in url)
    if "/find/" in page.url:
        boss.link(f"#{order.pk}")  # the ticket may have the same number; one of a single thing leads straight there
    page.locator(".why").wait_for()
    assert boss.clicks <= 2

    # A refund, from its order: 3.
    boss.begins(reverse("admin:orders_order_change", args=[order.pk]))
    boss.link("Refund")
    page.get_by_label("Amount").fill("4")
    page.get_by_label("Reason").fill("Came too late")
    boss.button("Show what it does")
    boss.button("Refund $4.00")
    page.get_by_text("$4.00 of order").wait_for()
    assert boss.clicks == 3
    assert balance(alice) == money("94")

    # An answer to a ticket: 2.
    boss.begins("/admin/")
    boss.link("ticket to answer")
    page.locator("[name=text]").fill("It is on its way.")
    boss.button("Send")
    page.get_by_text("The answer was sent.").wait_for()
    assert boss.clicks == 2
    assert Ticket.objects.get().is_unread

    # A credit, from its customer: 3.
    person = reverse("admin:accounts_user_change", args=[alice.pk])
    boss.begins(person)
    boss.link("Credit…")
    page.get_by_label("Amount").fill("12.5")
    page.get_by_label("Reason").fill("Sorry")
    boss.button("Continue")
    boss.button("Credit $12.50")
    page.get_by_text("Credited $12.50").wait_for()
    assert boss.clicks == 3

    # A block: at most 3.
    boss.begins(person)
    boss.link("Freeze…")
    page.get_by_label("Reason").fill("Charges back")
    page.locator("main [type=submit]").last.click()
    boss.clicks += 1
    page.get_by_text("Frozen", exact=True).first.wait_for()
    assert boss.clicks <= 3
    alice.refresh_from_db()
    assert not alice.is_active

    # Each of them left its line, and the books are whole.
    done = set(StaffAction.objects.values_list("action", flat=True))
    assert {"order.refund", "ticket.answer", "wallet.credit"} <= done
    assert [found.name for found in check(EQUATIONS) if not found.holds] == []
