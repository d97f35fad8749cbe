"""The owner settles an order by hand in a real browser: by keyboard, on a phone, in the dark, with every mistake."""

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from billing.models import Transfer
from core.clock import database_now
from orders.models import Order, ReconciliationBreak
from orders.states import Progress
from tests.billing import cast
from tests.pages.cast import PASSWORD, Orders
from tests.pages.conftest import LAW, axe_problems, overflow
from tests.sign_in import code_of
from upstream.states import ProviderOrderState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unclear(orders: Orders) -> Order:
    """A thousand, of which some did not arrive, and nobody says how many."""
    return orders.hears(orders.placed(), ProviderOrderState.PARTIAL, None)


@pytest.fixture
def over(orders: Orders) -> Order:
    """It was settled with 157 missing, and is said to be partial once more, without a number."""
    return orders.hears(orders.partial(remains=157), ProviderOrderState.PARTIAL, None)


@pytest.fixture
def owner(sign_in: Callable[[User], None], quiet_page: Page) -> Page:
    """The owner's browser, which was not asked for the password lately."""
    sign_in(User.objects.create_superuser("owner@example.com", PASSWORD))
    quiet_page.set_default_timeout(10_000)
    return quiet_page


def opens(page: Page, live_server: Any, row: Any) -> None:
    page.goto(f"{live_server.url}/admin/orders/{row._meta.model_name}/{row.pk}/change/")


def proves_who_it_is(page: Page) -> None:
    """What was sent waits for the second factor and goes on by itself."""
    page.wait_for_url("**/reauthenticate/**")
    page.get_by_label("Code from your authenticator app").fill(code_of(User.objects.get(is_staff=True), lasts=5))
    page.keyboard.press("Enter")


def part(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name)


def sends(page: Page, *, missing: str, reason: str = "their panel") -> None:
    part(page, "Settle by hand").get_by_label("Units that did not arrive").fill(missing)
    part(page, "Settle by hand").get_by_label("Reason").fill(reason)
    page.keyboard.press("Enter")


def back(order: Order) -> int:
    return Transfer.objects.filter(reference=order.reference, code__in=["release", "late_refund"]).count()


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([(390, "light")], id="phone"),
        pytest.param([*product((1280, 390), ("light", "dark"))], id="every", marks=pytest.mark.looks),
    ],
)
def test_the_pages_can_be_used(
    live_server: Any, unclear: Order, over: Order, orders: Orders, owner: Page, looks: list[tuple[int, Any]]
) -> None:
    doubt, now = cast.order(orders.who, orders.service, "2.64"), database_now()
    cast.doubted(doubt)
    row = ReconciliationBreak.objects.create(
        provider=unclear.provider, kind="charge", order=unclear, currency="USD", first_seen=now, last_seen=now
    )
    doubt_page = f"/admin/orders/doubtfulorder/{doubt.pk}/change/"
    pages = [doubt_page, *[f"/admin/orders/{o._meta.model_name}/{o.pk}/change/" for o in (unclear, over, row)]]
    faults = []
    for path in pages:
        owner.goto(live_server.url + path)
        for width, theme in looks:
            owner.set_viewport_size({"width": width, "height": 844})
            owner.emulate_media(color_scheme=theme)
            faults += [f"{path} {width} {theme}: {problem}" for problem in axe_problems(owner, LAW)]
            faults += [f"{path} is {overflow(owner)}px too wide at {width}px"] * (overflow(owner) > 0)
        for button in owner.locator("main input[type=submit], main button[type=submit]").all():
            box = button.bounding_box()
            assert box is not None
            assert box["x"] >= 0, "what cannot be seen cannot be used"
            assert box["x"] + box["width"] <= 390
            assert box["height"] >= 24
    assert faults == []


def test_the_owner_settles_by_keyboard_and_is_told_what_went_back(
    live_server: Any, unclear: Order, owner: Page
) -> None:
    opens(owner, live_server, unclear)
    settling = part(owner, "Settle by hand")
    expect(settling).to_contain_text("alice@example.com")
    settling.get_by_label("Units that did not arrive").focus()
    owner.keyboard.type("157")
    owner.keyboard.press("Tab")
    owner.keyboard.type("their panel")
    owner.keyboard.press("Tab")
    expect(settling.get_by_role("button", name="Show what it does")).to_be_focused()
    owner.keyboard.press("Enter")
    proves_who_it_is(owner)
    refund = settling.get_by_role("button", name="Refund $0.29186")
    refund.focus()
    assert back(unclear) == 0
    owner.keyboard.press("Enter")
    expect(owner.locator(".messagelist .success")).to_contain_text("of $1.859, $0.29186 was refunded to the customer")
    expect(part(owner, "Settle by hand")).to_have_count(0)
    unclear.refresh_from_db()
    assert (unclear.progress, unclear.missing_by_hand) == (Progress.PARTIAL, 157)


def test_nothing_to_do_is_said_by_keyboard(live_server: Any, over: Order, owner: Page) -> None:
    opens(owner, live_server, over)
    part(owner, "Nothing to do").get_by_label("Reason").focus()
    owner.keyboard.type("it is right")
    owner.keyboard.press("Enter")
    proves_who_it_is(owner)
    expect(owner.locator(".messagelist .success")).to_contain_text("No money moved")
    over.refresh_from_db()
    assert (over.needs_review, back(over)) == ("", 1)


def test_each_mistake_is_said_beside_its_field_which_has_the_focus(
    live_server: Any, unclear: Order, owner: Page
) -> None:
    opens(owner, live_server, unclear)
    sends(owner, missing="")
    proves_who_it_is(owner)
    number = part(owner, "Settle by hand").get_by_label("Units that did not arrive")
    for missing, said in (
        ("some", "Enter a whole number"),
        ("1001", "from 0 to 1000"),
        ("-1", "from 0 to 1000"),
        ("1.5", "Enter a whole number"),
        ("", "required"),
    ):
        sends(owner, missing=missing)
        expect(number).to_have_accessible_description(re.compile(f"all of it arrived.*{said}"))
        expect(number).to_be_focused()
        expect(number).to_have_value(missing)
        expect(owner).to_have_title("Error: Settle by hand | Permille")
    sends(owner, missing="157", reason=" ")
    expect(part(owner, "Settle by hand").get_by_label("Reason")).to_be_focused()
    assert axe_problems(owner, LAW) == []
    assert back(unclear) == 0


def test_a_page_that_was_overtaken_shows_what_is_known_now_and_asks_again(
    live_server: Any, orders: Orders, unclear: Order, owner: Page
) -> None:
    opens(owner, live_server, unclear)
    orders.hears(unclear, ProviderOrderState.IN_PROGRESS, 400)
    sends(owner, missing="157")
    proves_who_it_is(owner)
    note = owner.locator(".errornote")
    expect(note).to_contain_text("has changed since you opened the page")
    expect(note).to_be_focused()
    expect(owner.locator(".receipt")).to_contain_text("400")
    assert back(unclear) == 0
    sends(owner, missing="400")
    part(owner, "Settle by hand").get_by_role("button", name="Refund $").click()
    expect(owner.locator(".messagelist .success")).to_contain_text("is settled")
    assert back(unclear) == 1


def test_a_double_click_pays_back_once(live_server: Any, unclear: Order, owner: Page) -> None:
    opens(owner, live_server, unclear)
    sends(owner, missing="")
    proves_who_it_is(owner)
    settling = part(owner, "Settle by hand")
    settling.get_by_label("Units that did not arrive").fill("157")
    settling.get_by_role("button", name="Show what it does").click()
    settling.get_by_role("button", name="Refund $").dblclick()
    expect(owner.locator(".messagelist li").last).to_be_visible()
    unclear.refresh_from_db()
    assert (unclear.missing_by_hand, back(unclear)) == (157, 1)
    assert unclear.events.filter(kind="decided").count() == 1
