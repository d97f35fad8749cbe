"""The order form in a real browser: choosing by keyboard, what a grey button does, and how few steps an order needs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from accounts.models import User
from catalog.models import Service
from orders.models import Order, OrderDraft
from tests.pages.cast import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

#: What a newcomer may need from the first page to a placed order.
MOST_CLICKS = MOST_INPUTS = 6


def at(page: Page) -> Locator:
    """What the picker's field points at."""
    field = page.locator("#svc")
    expect(field).to_have_attribute("aria-activedescendant", re.compile("svc-"))
    return page.locator(f"#{field.get_attribute('aria-activedescendant')}")


def test_a_service_is_chosen_and_ordered_by_keyboard(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page, press = quiet_page, quiet_page.keyboard.press
    sign_in(alice)
    page.goto(f"{live_server.url}/order/")
    expect(page.locator("#svc")).to_be_focused()
    expect(page.locator("#svc")).to_have_attribute("aria-expanded", "true")
    # 1. Left to the tree, down to TikTok, which opens; right to its services.
    press("ArrowLeft")
    expect(at(page)).to_have_attribute("id", "svc-at-instagram")
    press("ArrowDown")
    expect(at(page)).to_have_attribute("role", "treeitem")
    press("Enter")
    expect(page.locator("#svc-at-tiktok")).to_have_attribute("aria-expanded", "true")
    expect(at(page)).to_have_attribute("id", "svc-at-tiktok")
    press("ArrowDown")
    press("ArrowRight")
    expect(page.locator("#svc-list")).to_have_attribute("aria-label", "1 service")
    expect(at(page)).to_have_attribute("role", "option")
    # 2. Typing searches the whole shop; the first match is pointed at, left and right stay within the text.
    page.keyboard.type("followers")
    expect(page.locator("#svc-list [role=option]")).to_have_count(4)
    expect(at(page)).to_have_attribute("id", f"svc-{services[0].pk}")
    press("ArrowLeft")
    expect(at(page)).to_have_attribute("role", "option")
    press("ArrowDown")
    press("ArrowDown")
    press("ArrowUp")
    expect(at(page)).to_have_attribute("id", f"svc-{services[1].pk}")
    # 3. Enter takes it and puts the focus on the link.
    press("Enter")
    expect(page.locator("#f-link")).to_be_focused()
    page.keyboard.type("https://instagram.com/atelier.nord")
    # 4. Another service: what was typed goes along, and Escape keeps what was chosen.
    page.locator("#svc").focus()
    press("ArrowDown")
    expect(page.locator("#svc-list")).to_be_visible()
    press("Escape")
    expect(page.locator("#svc-list")).to_be_hidden()
    expect(page.locator("#f-link")).to_have_value(re.compile("atelier.nord"))
    page.locator("#svc").fill(str(services[0].pk))
    expect(at(page)).to_have_attribute("id", f"svc-{services[0].pk}")
    press("Enter")
    expect(page.locator("#f-quantity")).to_be_focused()
    expect(page.locator("#f-link")).to_have_value("https://instagram.com/atelier.nord")
    page.keyboard.type("100")
    expect(page.locator("#receipt .btn-primary")).to_be_enabled()
    press("Enter")
    expect(page.locator("h1")).to_have_text(re.compile(r"Order #\d+"), timeout=15_000)
    assert Order.objects.get().service == services[0]


def test_a_grey_button_leads_to_what_is_missing(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    sign_in(alice)
    page.goto(f"{live_server.url}/order/?service={services[0].pk}")
    place = page.locator("#receipt .btn-primary")
    expect(place).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#why")).to_contain_text("Give a link and a quantity first.")
    page.get_by_label("Quantity").fill("100")
    expect(page.locator("#why")).to_contain_text("Give a link first.")
    place.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Link")).to_be_focused()
    page.keyboard.type("https://www.tiktok.com/@nord")
    expect(page.locator("#why")).to_contain_text("The link is for another platform.")
    expect(page.get_by_label("Link")).to_have_attribute("aria-describedby", "f-link-error")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Link")).to_be_focused()
    page.get_by_role("button", name="Use instagram.com/nord").click()
    expect(place).to_contain_text("$0.1859")
    expect(page.locator("#why")).to_have_count(0)
    assert Order.objects.count() == 0


def test_the_star_marks_without_leaving_the_form(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    sign_in(alice)
    page.goto(f"{live_server.url}/order/?service={services[0].pk}")
    page.get_by_label("Link").fill("https://instagram.com/atelier.nord")
    star = page.get_by_role("button", name="Favourite")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Link")).to_have_value("https://instagram.com/atelier.nord")
    page.get_by_role("link", name="All services").click()
    expect(page.locator("#svc-at-favourites")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#svc-list [role=option]")).to_have_count(1)


def test_what_is_typed_early_is_priced_and_a_button_pressed_early_does_what_it_says(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page = quiet_page
    sign_in(alice)
    # 1. Typed before the scripts came.
    waiting: list[Route] = []
    page.route("**/htmx-2.min*.js", lambda route: waiting.append(route))
    page.goto(f"{live_server.url}/order/?service={services[0].pk}", wait_until="commit")
    page.get_by_label("Link").fill("https://instagram.com/atelier.nord")
    page.get_by_label("Quantity").fill("1000")
    waiting[0].continue_()
    page.unroute_all()
    expect(page.locator("#receipt .btn-primary")).to_contain_text("$1.859")
    # 2. "Add funds" while a quote is on its way: the order is kept, and not placed.
    asked: list[Route] = []
    page.route("**/order/quote", lambda route: asked.append(route))
    with page.expect_request("**/order/quote"):
        page.get_by_label("Quantity").fill("2000")
    page.get_by_role("button", name="Add funds").first.click()
    asked[0].continue_()
    page.wait_for_url("**/wallet/**")
    assert Order.objects.count() == 0
    assert OrderDraft.objects.get().fields["quantity"] == "2000"


@dataclass
class Steps:
    """Counts what a person does on a page: clicks, and fields that are filled in."""

    page: Page
    clicks: int = 0
    inputs: int = 0

    def click(self, role: Any, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role(role, name=name).first.click()
        self.clicks += 1

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)
        self.inputs += 1

    def fill_in(self) -> None:
        """Fill in what the form requires."""
        self.fill("Link", "https://instagram.com/atelier.nord")
        self.fill("Quantity", "1000")

    def place(self) -> None:
        """Place the order, and compare the count with what may be needed."""
        button = self.page.locator("#receipt .btn-primary")
        expect(button).to_be_enabled()
        self.click("button", re.compile("Place order"))
        expect(self.page.locator("h1")).to_have_text(re.compile(r"Order #\d+"), timeout=15_000)
        assert Order.objects.count() == 1
        assert (self.clicks <= MOST_CLICKS, self.inputs <= MOST_INPUTS) == (True, True), self


def test_a_newcomer_orders_from_the_price_list_in_few_steps_signing_in_on_the_way(
    live_server: Any, alice: User, services: list[Service], quiet_page: Page
) -> None:
    steps = Steps(quiet_page)
    quiet_page.goto(live_server.url)
    steps.click("link", f"Order {services[0].name}")
    steps.fill_in()
    # By the button at the top of the page, which sends the form along.
    steps.click("button", re.compile("^Sign in$"))
    steps.fill("E-mail", alice.email)
    steps.fill("Password", PASSWORD)
    steps.click("button", "Sign in")
    steps.place()


def test_a_newcomer_orders_by_walking_down_the_picker_in_few_steps(
    live_server: Any, alice: User, services: list[Service], sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    sign_in(alice)
    steps = Steps(quiet_page)
    quiet_page.goto(live_server.url)
    steps.click("link", "New order")
    for step in (re.compile("^Instagram 7"), re.compile("Followers 3")):
        steps.click("treeitem", step)
    steps.click("option", re.compile(re.escape(services[0].name)))
    steps.fill_in()
    steps.place()
