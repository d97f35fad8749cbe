"""A mass order of a thousand lines in a real browser: pasted, corrected, paid, followed; and a job that is stopped."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from catalog.models import Service
from core.clock import database_now
from orders import sweep
from orders.jobs import running
from orders.jobs.of_orders import CANCEL, start_for_orders
from orders.models import MassOrder, Order
from tests.pages.cast import Orders, customer
from upstream.simulator.catalog import Catalog
from upstream.simulator.running import RunningSimulator, running_simulator

pytestmark = pytest.mark.django_db(transaction=True)


def pasted(services: list[Service]) -> str:
    """A thousand lines, 30 of them bad: 12 with too few, 10 of no service, 8 whose quantity is no number."""
    likes = services[3].pk
    lines = [f"{likes} | https://instagram.com/p/C1a2B3c{n:04} | 100" for n in range(1000)]
    for n in range(12):
        lines[n * 20] = f"{likes} | https://instagram.com/p/C1a2B3few{n:02} | 5"
    for n in range(10):
        lines[n * 20 + 1] = f"999999 | https://instagram.com/p/C1a2B3non{n:02} | 100"
    for n in range(8):
        lines[n * 20 + 2] = f"{likes} | https://instagram.com/p/C1a2B3nan{n:02} | many"
    return "\n".join(lines)


@pytest.fixture
def panel(services: list[Service]) -> Iterator[RunningSimulator]:
    """A provider that sells the service of the lines."""
    source = services[3].source
    row = {"service": int(source.external_id), "name": source.name, "type": "Default", "category": source.category}
    limits = {"rate": str(source.rate), "min": "10", "max": "100000"}
    sold = {**row, **limits, "refill": False, "cancel": False, "dripfeed": False}
    with running_simulator(catalog=Catalog.from_rows([sold]), seconds=600) as running:
        yield running


PHONE = pytest.param({"width": 390, "height": 844}, marks=pytest.mark.looks)


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 900}, PHONE])
def test_a_thousand_lines_are_pasted_corrected_paid_and_followed(
    live_server: Any,
    services: list[Service],
    sign_in: Callable[[User], None],
    quiet_page: Page,
    viewport: Any,
    panel: RunningSimulator,
    settings: Any,
) -> None:
    page = quiet_page
    page.set_viewport_size(viewport)
    provider, settings.FORWARD_DEADLINE_SECONDS = services[3].source.provider, 10
    provider.url = panel.url
    provider.set_key(panel.key)
    provider.save()
    sign_in(customer("reseller@example.com", "100"))
    page.goto(f"{live_server.url}/orders/mass/")
    page.get_by_label("One order per line").fill(pasted(services))
    page.get_by_role("button", name="Check", exact=True).click()

    # The offered minimum for twelve, a number for eight, and nothing for the ten whose service is not sold.
    expect(page.locator("#h-correct")).to_have_text("30 lines to correct")
    expect(page.locator("#h-ready")).to_have_text("970 orders ready")
    page.get_by_role("button", name="Use the minimum for all").click()
    expect(page.locator("#h-correct")).to_have_text("18 lines to correct")
    for n in range(8):
        field = page.get_by_label(f"Line {n * 20 + 3}", exact=True)
        field.fill(field.input_value().replace("many", "200"))
    page.get_by_role("button", name="Check again").click()
    expect(page.locator("#h-correct")).to_have_text("10 lines to correct")
    expect(page.locator("#h-ready")).to_have_text("990 orders ready")

    page.locator("button[name=place]:visible").click()
    expect(page.locator("h1")).to_have_text("990 orders placed")
    expect(page.locator(".note.is-partial")).to_contain_text("10 lines were not placed")
    mass = MassOrder.objects.get()
    assert (len(mass.numbers), mass.left, Order.objects.count()) == (990, 10, 990)
    expect(page.locator("h2#h-progress")).to_have_text("0 of 990 sent to the supplier")
    # The sweep sends seven of them; the others have to wait.
    tomorrow = database_now() + timedelta(days=1)
    Order.objects.filter(pk__in=mass.numbers[7:]).update(next_at=tomorrow)
    assert sweep.do_due(now=database_now(), seconds=10).forwarded == 7
    assert len(panel.orders()) == 7
    expect(page.locator("h2#h-progress")).to_have_text("7 of 990 sent to the supplier", timeout=15_000)
    page.get_by_role("link", name="Correct what is left").click()
    expect(page.locator("#h-correct")).to_have_text("10 lines to correct")


def test_a_job_is_watched_and_stopped(
    live_server: Any, alice: User, orders: Orders, sign_in: Callable[[User], None], quiet_page: Page
) -> None:
    page, numbers = quiet_page, [orders.queued(link=f"https://instagram.com/a.{n}").pk for n in range(30)]
    job = start_for_orders(customer=alice, kind=CANCEL, numbers=numbers, nonce="n", now=database_now())
    sign_in(alice)
    page.goto(f"{live_server.url}/jobs/{job.pk}/")
    expect(page.locator("#h-progress")).to_have_text("0 of 30 done")
    running._take_turn(job, float("inf"))
    expect(page.locator("#h-progress")).to_have_text("20 of 30 done", timeout=15_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".note", has_text="10 orders were not asked about.")).to_be_visible()
    assert running.run_due() == 0
