"""`make demo` as a newcomer finds it: it starts, prints how to sign in, sells, stops without a trace, starts again.

Everything runs as a process of its own (gunicorn, worker, beat, Redis, Postgres, the simulated provider); the only
things a test may do here are what a browser, a mailbox and an operator can do. It is one test because a start takes
longer than all the rest.
"""

import re
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.ops.demo import Demo
from tests.ops.tools import ROOT

DAVE = "dave@example.com"
# A minute on a quiet machine; CI and a laptop under other work get a second one.
MINUTE = 120_000


@pytest.mark.walk
def test_a_demo_starts_sells_stops_and_keeps_its_data(page: Page, demo: Demo) -> None:
    # 1. It starts and prints where everything is.
    demo.start()
    assert demo.banner_value("Shop") == f"http://localhost:{demo.port}/"
    first_login = demo.banner_value("Customer")
    assert "customer@example.com" in first_login
    assert "owner@example.com" in demo.banner_value("Owner")
    assert demo.page("/healthz") == "ok\n"
    assert "Corner" in demo.page("/")
    assert "<h1" in demo.page_at(demo.banner_value("Provider").split()[0])
    address, _word, key = demo.banner_value("Its API").split()[:3]
    assert '"balance"' in demo.answer_of(address, {"key": key, "action": "balance"})
    assert "Credited 100.00" in demo.log

    # 2. A second one of the same folder is refused.
    again = subprocess.run(
        [sys.executable, "-m", "storefront.demo"], cwd=ROOT, env=demo.env, capture_output=True, text=True, timeout=30
    )
    assert again.returncode == 1
    assert "running already" in again.stderr
    assert demo.page("/healthz") == "ok\n"

    # 3. A stranger signs up, orders, and gets what was paid for.
    a_stranger_signs_up_orders_and_reads_the_statement(page, demo)

    # 4. It stops without a trace.
    assert demo.stop(signal.SIGINT) == 0
    assert demo.processes() == []
    assert "Traceback" not in demo.log

    # 5. It starts again with the same data.
    demo.start()
    assert demo.banner_value("Customer") == first_login
    assert "The opening credit was given before" in demo.log
    assert demo.stop(signal.SIGTERM) == 0
    assert demo.processes() == []


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


def a_stranger_signs_up_orders_and_reads_the_statement(page: Page, demo: Demo) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
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
