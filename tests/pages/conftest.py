"""What a story about pages needs: a stocked shop, somebody signed in, and a browser that complains about everything."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from accounts.models import User
from catalog.models import Service
from tests.pages.cast import Orders, customer, stock
from tests.sign_in import sign_in_customer, sign_in_staff

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()


@pytest.fixture
def services(db: None) -> list[Service]:
    return stock()


@pytest.fixture
def alice(db: None) -> User:
    return customer()


@pytest.fixture
def orders(alice: User, services: list[Service]) -> Orders:
    """Orders of alice for the first service, which can be refilled."""
    return Orders(alice, services[0])


@pytest.fixture
def signed_in(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def sign_in(live_server: Any, context: BrowserContext) -> Callable[[User], None]:
    """Puts a session of ``user`` into the browser, as if the sign-in page had been passed."""

    def put(user: User) -> None:
        visitor = Client()
        if user.is_staff:
            sign_in_staff(user, visitor, confirmed=False)
        else:
            sign_in_customer(user, visitor)
        cookie = visitor.cookies[django_settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])

    return put


@pytest.fixture
def quiet_page(page: Page) -> Iterator[Page]:
    """A page whose console must stay empty: a CSP violation, a missing file, an error of a script fails the test."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if not message.text.startswith("Clear-Site-Data header"):  # Chromium says so at each sign-out
            said.append(f"{message.type}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    yield page
    assert said == []


ALL_RULES = "{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
LAW = "{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
COLOURS = "{type: 'rule', values: ['color-contrast', 'link-in-text-block']}"

# Ended, not waited for: a browser that draws no frames, as happens to pages in the background, never ends one.
SETTLED = """() => document.getAnimations()
    .filter((a) => a.effect.getComputedTiming().iterations !== Infinity).forEach((a) => a.finish())"""


def axe_problems(page: Page, rules: str = ALL_RULES) -> list[str]:
    """What axe-core finds on the page as it stands, WCAG 2.0 to 2.2 A and AA and best practice; one line for each."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE)  # through the debugger: the page's CSP rightly refuses a script tag
    page.evaluate(SETTLED)  # a colour on its way from one theme to the other is neither
    found = page.evaluate(f"() => axe.run(document, {{resultTypes: ['violations'], runOnly: {rules}}})")
    return [
        f"{problem['id']}: {node['target']} {node['html'][:160]} {[c['message'] for c in node['any']][:1]}"
        for problem in found["violations"]
        for node in problem["nodes"]
    ]


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide
