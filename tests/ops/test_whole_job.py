"""The main job once, from the outside: a stranger signs up in a real browser, orders, and gets what was paid for.

Everything runs as a process of its own (gunicorn, worker, beat, Redis, Postgres, the simulated provider); the only
things a test may do here are what a browser, a mailbox and an operator can do.
"""

import re

from playwright.sync_api import Page, expect

from tests.ops.demo import Demo

DAVE = "dave@example.com"
# A minute on a quiet machine; CI and a laptop under other work get a second one.
MINUTE = 120_000


def sign_up(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.shop}/accounts/signup/")
    page.get_by_label("E-mail").fill(DAVE)
    page.locator("input[name=password1]").fill("correct horse battery staple")
    page.get_by_role("button", name="Create account").click()
    page.locator("input[name=code]").wait_for()
    code = re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", demo.mail_to(DAVE), re.MULTILINE)
    assert code, demo.mail_to(DAVE)
    page.locator("input[name=code]").fill(code.group(1))
    page.locator("input[name=code]").press("Enter")
    page.wait_for_url(f"{demo.shop}/")


def order_a_thousand(page: Page, demo: Demo, link: str) -> None:
    page.goto(f"{demo.shop}/order/?service=1")
    page.get_by_label("Link").fill(link)
    page.get_by_label("Quantity").fill("1000")
    page.get_by_label("Quantity").press("Tab")
    # The charge is shown before anything is bought.
    expect(page.get_by_role("main")).to_contain_text("Balance after")
    page.get_by_role("button", name=re.compile("Place order")).and_(page.locator(":visible")).first.click()


def test_a_stranger_signs_up_orders_and_reads_the_statement(page: Page, demo: Demo) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    demo.start()

    page.goto(f"{demo.shop}/")
    expect(page.get_by_role("main")).to_contain_text("per 1,000")
    sign_up(page, demo)
    demo.manage("credit_wallet", DAVE, "25.00", "--reason", "Bank transfer of 3 May", "--reference", "bank-0503")

    # The page follows the order by itself: nobody reloads it.
    state = page.locator("#order-page span[aria-live]")
    order_a_thousand(page, demo, "https://instagram.com/dave")
    expect(state).to_contain_text("Completed", timeout=MINUTE)
    order_a_thousand(page, demo, "https://instagram.com/p/partly?fate=partial:157")
    expect(state).to_contain_text("Partial", timeout=MINUTE)

    page.goto(f"{demo.shop}/wallet/")
    statement = page.get_by_role("main")
    expect(statement).to_contain_text("Bank transfer of 3 May")
    expect(statement).to_contain_text("Refund of order")
    assert said == []
    assert demo.manage("audit")
