"""Every page in a real Chromium: nothing for axe to find, nothing in the console, nothing wider than its window.

`make looks` opens each in both directions, on a laptop and on two phones, in light and in dark. Dark is looked at for
its colours alone. `make test` opens those that are quick. What axe calls incomplete is for a person to look at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser, Page

from accounts.mail_choices import BULK, ORDERS, REFILL, set_switches, switch_token
from accounts.models import User
from catalog.facts.histogram import step_of
from catalog.models import (
    Category,
    ChangeKind,
    DisplayCurrency,
    OrderRules,
    ProviderService,
    SameLink,
    Service,
    ServiceChange,
    ServiceDay,
)
from catalog.shop.favourites import mark
from core.clock import database_now
from core.languages import NEUTRAL, in_language
from core.models import ShopSettings
from core.shop_settings import shop_settings
from core.staff_actions import shell_actor
from notices.alerts import open_alert
from notices.models import Outbox, SendState
from orders.drafts import keep_for_customer
from orders.models import Refill
from orders.states import RefillState
from pages.models import OwnPage, TermsVersion
from pages.starting_texts import STARTING_TEXTS, first_values
from pages.terms import accept_terms, publish_terms
from tests.billing.topups.cast import DRIVERS, looked, method, started
from tests.pages.cast import Orders, customer, tickets_of
from tests.pages.conftest import ALL_RULES, COLOURS, axe_problems, overflow
from tests.pages.customer_pages import customer_with_everything
from tests.pages.keys import unused_key, used_key

LAPTOP, PHONE, SMALL = (1280, 800), (390, 844), (320, 640)


@dataclass(frozen=True)
class Look:
    """How each page is looked at: the browser's language, which decides the direction, the sizes, and the themes."""

    language: str
    direction: str
    sizes: tuple[tuple[int, int], ...]
    themes: tuple[tuple[Literal["light", "dark"], str], ...]


PLAIN = Look("en", "ltr", (LAPTOP,), (("light", ALL_RULES),))
# A theme changes nothing but colours.
THEMES: tuple[tuple[Literal["light", "dark"], str], ...] = (("light", ALL_RULES), ("dark", COLOURS))
# The phones by themselves, so that no test takes too long.
LOOKS = tuple(
    pytest.param(Look(language, direction, sizes, THEMES), id=f"{direction}-{name}", marks=pytest.mark.looks)
    for language, direction in (("en", "ltr"), ("ar", "rtl"))
    for name, sizes in (("laptop", (LAPTOP,)), ("phones", (PHONE, SMALL)))
)
#: For few pages, which `make test` opens, too.
PLAIN_TOO = (pytest.param(PLAIN, id="plain"), *LOOKS)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def look() -> Look:
    return PLAIN


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], look: Look) -> dict[str, Any]:
    return {**browser_context_args, "locale": look.language, "reduced_motion": "reduce"}


@pytest.fixture(autouse=True)
def all_languages(transactional_db: None) -> None:
    """Those written from left to right, and Arabic from right to left."""
    shop_settings()  # which makes the row where there is none
    ShopSettings.objects.update(languages=["es", "ar"])


def faults_of(page: Page, url: str, look: Look) -> list[str]:
    """Everything that is wrong with one page in every size and theme, in the language of ``look`` if it has one."""
    address = urlsplit(url)
    path = in_language(address._replace(scheme="", netloc="").geturl(), look.language)
    page.goto(f"{address.scheme}://{address.netloc}{path}")
    direction = "ltr" if path.startswith(NEUTRAL) else look.direction
    found = [] if page.get_attribute("html", "dir") == direction else [f"{url} is not {direction}"]
    for size in dict.fromkeys((*look.sizes, SMALL)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        # A field that takes the focus scrolls the page, and axe takes what is half under the head for too small.
        page.evaluate("scrollTo(0, 0)")
        if (wider := overflow(page)) > 0:
            found.append(f"{url} is {wider}px wider than {size[0]}px")
        for theme, rules in look.themes if size in look.sizes else ():
            page.emulate_media(color_scheme=theme)
            found += [f"{url} {size[0]}px {theme}: {problem}" for problem in axe_problems(page, rules)]
    return found


def changed_prices(services: list[Service]) -> None:
    """A service update of each kind, with a name as long as providers make them and prices of every length."""
    long_name = f"{'Instagram Followers [ Max 500K ] [ Refill 365 days ] [ Start instant ] '}{'ⓥⓔⓡⓨ' * 12} {'x' * 90}"
    Service.objects.filter(pk=services[0].pk).update(name=long_name)
    prices = {"new": (None, "0.09485"), "dearer": ("1.95195", "12345.67891"), "cheaper": ("12345.67891", "0.00001")}
    for kind in ChangeKind:
        old, new = prices.get(kind.value, (None, None))
        for service in services[:2]:
            ServiceChange.objects.create(service=service, kind=kind, old_price=old, new_price=new, at=database_now())


def own_pages() -> list[str]:
    """Publish what an owner starts from, a long word and a list with it; return the addresses."""
    for text in STARTING_TEXTS:
        values: dict[str, Any] = first_values(text.slug, shop_settings())
        values["body"] += (
            f"\n### {'long' * 30}\n\n1. one\n2. `two`\n\n> said by *others*\n\n![sign](/static/mark.svg)\n"
        )
        page = OwnPage.objects.create(**values, is_published=not values["is_terms"])
        if page.is_terms:
            publish_terms(page, actor=shell_actor())
            OwnPage.objects.filter(pk=page.pk).update(body="changed")
            publish_terms(page, actor=shell_actor())
    return ["/pages/refunds/", "/pages/terms/1/", "/accounts/signup/"]


def measured_days(service: Service) -> None:
    """Two weeks of orders, with enough of each to say how long they took and how they ended."""
    today = timezone.localdate(database_now(), timezone.get_default_timezone())
    ServiceDay.objects.bulk_create(
        ServiceDay(
            service=service, day=today - timedelta(days=ago), orders=30, whole=22, partial=4, canceled=2,
            ordered=28_000, delivered=26_000, refills=4, refilled=3, refills_declined=1,
            start_times={str(step_of(240 + 60 * ago)): 30}, thousand_times={str(step_of(2400)): 26},
            refill_times={str(step_of(40_000)): 4},
        )
        for ago in range(14)
    )  # fmt: skip


def pages_of_topups(who: User) -> list[str]:
    """Methods of every kind, a top-up that waits with each, and one that was credited; return their addresses."""
    shown = {"bonus_percent": 2, "fee_percent": 3, "arrives": "At once, in most cases within a minute"}
    topups = [started(who, method(**shown)), started(who, method("manual", name="Bank transfer" * 4))]
    topups.append(started(who, method("nowpayments", name="Coins"), choice="xrp"))
    method("voucher", name="Voucher")
    method(name="For large amounts", least=500)
    paid = started(who, topups[0].method)
    DRIVERS["demo"].pays(paid)
    looked(paid)
    pages = [f"/wallet/topups/{topup.pk}/" for topup in (*topups, paid)]
    pages += ["/wallet/receipts/", f"/wallet/receipts/{paid.documents.get().pk}/"]
    return ["/wallet/add/?amount=50&service=1", "/wallet/topups/", topups[0].pay_url, *pages]


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_visitors(
    live_server: Any, services: list[Service], orders: Orders, quiet_page: Page, look: Look
) -> None:
    orders.completed()
    changed_prices(services)
    measured_days(services[1])
    ServiceDay.objects.filter(day=timezone.localdate() - timedelta(days=9)).update(held=20)
    slow = ServiceDay.objects.filter(day=timezone.localdate() - timedelta(days=3))
    slow.update(start_times={str(step_of(90_000)): 30})
    Category.objects.filter(pk=services[0].category_id).update(description="For public profiles. " * 20)
    ShopSettings.objects.update(headline="Sold by the thousand", home_text="One line.\n\nAnother line.")
    DisplayCurrency.objects.create(code="VND", rate=25_400, decimals=0)
    quiet_page.context.add_cookies([{"name": "currency", "value": "VND", "url": live_server.url}])
    cache.clear()
    paths = ["/", "/?q=likes", "/?q=zzzzzzzz", "/?sort=price&refill=1"]
    paths += [f"/services/{service.pk}/" for service in (services[0], services[1], services[9])]
    paths += [f"/categories/{services[0].category_id}/", f"/categories/{services[0].category_id}/?q=zzzzzzzz"]
    paths += ["/?platform=instagram&price=1&within=60", "/updates/", "/updates/?kind=gone", "/status/"]
    paths += ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/api/"]
    paths += own_pages()
    OrderRules.objects.create(text="Keep the profile **public**.\n\n- one\n- two")
    paths += ["/order/", f"/order/?service={services[0].pk}&link=https://instagram.com/x&quantity=1000"]
    faults = [fault for path in paths for fault in faults_of(quiet_page, live_server.url + path, look)]
    ShopSettings.objects.update(headline="", home_text="")
    assert faults == []


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_a_customer(
    live_server: Any,
    orders: Orders,
    services: list[Service],
    sign_in: Callable[[User], None],
    quiet_page: Page,
    look: Look,
    settings: Any,
) -> None:
    settings.DEMO = True
    made = orders.one_of_each()
    mark(orders.who, services[0])
    refilled = orders.completed()
    Refill.objects.create(order=refilled, provider=refilled.provider, state=RefillState.REQUESTED)
    sign_in(orders.who)
    paths = [
        "/",
        f"/services/{services[0].pk}/",
        f"/categories/{services[0].category_id}/",
        "/order/",
        f"/order/?platform=instagram&category={services[0].category_id}",
        "/order/?find=folowers",
        "/order/?find=zzzzzzzz&platform=tiktok",
        f"/order/?service={services[0].pk}&again={made[0].pk}",
        f"/order/?service={services[0].pk}&find=likes&link=https://instagram.com/p/C1a2B3c4D5e&quantity=100",
        f"/order/?service={services[4].pk}",
        f"/order/?service={services[9].pk}",
    ]
    typed = {"link": "https://instagram.com/x", "quantity": "100", "runs": "10", "interval": "60"}
    keep_for_customer(orders.who, services[0].pk, typed, now=database_now())
    paths.append(f"/order/?service={services[0].pk}")
    typed = {"link": "https://instagram.com/p/C1a2B3c4D5e", "comments": f"{'long' * 60}\n\ntwo\ntwo\n" * 3}
    keep_for_customer(orders.who, services[4].pk, typed, now=database_now())
    Service.objects.filter(pk=services[0].pk).update(own_same_link=SameLink.WAIT)
    made.append(orders.queued())
    paths += ["/orders/", "/orders/?state=confirming", "/wallet/", "/wallet/?kind=orders", "/wallet/add/"]
    paths += ["/orders/?platform=instagram&period=week", "/orders/?service=999999", "/orders/refills/"]
    paths += ["/orders/drip-feeds/", "/orders/subscriptions/", "/jobs/", "/orders/bulk/?do=refill&all=1"]
    drip = orders.running(remains=700, quantity=250, runs="4", interval="60")
    paths += ["/orders/bulk/?do=cancel", f"/orders/{drip.pk}/", f"/orders/{made[6].pk}/receipt"]
    paths += ["/api/", "/status/", "/updates/", *pages_of_topups(orders.who)]
    paths += ["/tickets/?state=closed", "/tickets/new/", f"/tickets/new/?order={refilled.pk}"]
    paths += [f"/tickets/{number}/" for number in tickets_of(orders.who, refilled)] + ["/tickets/"]
    paths += [f"/orders/{order.pk}/" for order in (made[2], made[4], made[6], made[7], made[-1], refilled)]
    faults = [fault for path in paths for fault in faults_of(quiet_page, live_server.url + path, look)]
    assert faults == []


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_an_owner(
    live_server: Any,
    orders: Orders,
    services: list[Service],
    sign_in: Callable[[User], None],
    quiet_page: Page,
    look: Look,
) -> None:
    made = orders.one_of_each()
    measured_days(services[0])
    now = database_now()
    tickets = [f"/admin/support/ticket/{number}/change/" for number in tickets_of(orders.who, made[4])]
    open_alert(cause="c", title="Long " * 30, body=f"{'x' * 120}\ntwo", path="/admin/orders/order/", now=now)
    sign_in(User.objects.create_superuser("owner@example.com", "correct horse battery"))
    paths = ["/admin/", "/admin/alerts/", "/admin/tables/", "/admin/money/", "/admin/money/?by=service"]
    paths += [f"/admin/money/{kind}/" for kind in ("ends", "times", "topups", "owed", "dead")]
    paths += ["/admin/money/?period=own&from=2026-11-02&to=2026-11-01", *tickets]
    paths += [
        "/admin/find/",
        f"/admin/find/?q={made[0].pk}",
        "/admin/find/?q=zzzz",
        *customer_with_everything(orders.who),
    ]
    faults = [fault for path in paths for fault in faults_of(quiet_page, live_server.url + path, look)]
    assert faults == []


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_an_account(
    live_server: Any, alice: User, sign_in: Callable[[User], None], quiet_page: Page, look: Look
) -> None:
    sign_in(alice)
    paths = ["/account/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/logout/"]
    paths += [f"/account/api-keys/{used_key(alice).pk}/", f"/account/api-keys/{unused_key(alice).pk}/"]
    paths += ["/wallet/receipts/", "/account/api-keys/", "/account/notifications/", *own_pages()[:2]]
    set_switches(alice.pk, [BULK], on=True)
    paths += [f"/fewer-mails/{switch_token(alice.pk, names)}/" for names in ([ORDERS, BULK], [REFILL])]
    set_switches(alice.pk, [REFILL], on=False)
    # Terms that have changed since they were accepted.
    accept_terms(alice, TermsVersion.objects.get(number=1), address="127.0.0.1", now=database_now())
    paths += ["/account/terms/"]
    faults = [fault for path in paths for fault in faults_of(quiet_page, live_server.url + path, look)]
    assert faults == []


@pytest.mark.parametrize("look", PLAIN_TOO)
def test_pages_with_nothing_on_them(
    live_server: Any, sign_in: Callable[[User], None], quiet_page: Page, look: Look
) -> None:
    sign_in(customer("new@example.com", "0"))
    paths = (
        "/",
        "/order/",
        "/orders/",
        "/orders/mass/",
        "/orders/refills/",
        "/orders/drip-feeds/",
        "/orders/subscriptions/",
        "/wallet/",
    )
    faults = [fault for path in paths for fault in faults_of(quiet_page, live_server.url + path, look)]
    assert faults == []


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", [SendState.REFUSED, SendState.WAITING])
def test_the_page_of_a_mail_in_trouble_and_the_page_of_a_limit(
    live_server: Any, page: Page, look: Look, state: SendState
) -> None:
    def sign_up() -> None:
        page.goto(f"{live_server.url}/accounts/signup/")
        page.locator("input[name=email]").fill("a-rather-long-address-of-bob@subdomain.harbor.example")
        page.locator("input[name=password1]").fill("correct horse battery staple")
        page.locator("form .btn-primary").click()

    cache.clear()
    sign_up()
    page.locator("input[name=code]").wait_for()
    now, error = database_now(), "550 5.1.1 no such user"
    ended = {} if state == SendState.WAITING else {"next_at": None, "gave_up_at": now, "sealed": ""}
    Outbox.objects.update(state=state, error=error, **ended)
    code_page = page.url
    assert faults_of(page, code_page, look) == []
    assert page.get_by_role("alert").count() == 1
    page.context.clear_cookies()
    sign_up()
    assert axe_problems(page, look.themes[0][1]) == []
    assert page.locator("h1").count() == 1
    assert not page.locator("input[name=code]").count()


@pytest.mark.parametrize("look", PLAIN_TOO)
def test_the_page_that_is_not_there(live_server: Any, services: list[Service], page: Page, look: Look) -> None:
    assert faults_of(page, f"{live_server.url}/nowhere/", look) == []
    ProviderService.objects.filter(pk=services[0].source_id).update(vanished_at=database_now())
    assert faults_of(page, f"{live_server.url}/services/{services[0].pk}/", look) == []
    # Not sold at the moment, with all of its category.
    ProviderService.objects.filter(pk=services[5].source_id).update(quarantine=["price"])
    for path in (f"/services/{services[5].pk}/", f"/categories/{services[5].category_id}/"):
        assert faults_of(page, f"{live_server.url}{path}", look) == []


@pytest.mark.looks
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    "brand", ["--brand-h: 110; --brand-c: 0.14; --tint-h: 20", "--brand-h: 300; --brand-c: 0; --round: 0"]
)
def test_no_brand_breaks_the_contrast(
    live_server: Any, services: list[Service], quiet_page: Page, look: Look, brand: str
) -> None:
    """The owner chooses hue and strength; lightness, and so contrast, is the theme's."""
    sheet = f":root {{ {brand}; }}"
    quiet_page.route("**/brand.css", lambda route: route.fulfill(body=sheet, content_type="text/css"))
    faults = faults_of(quiet_page, f"{live_server.url}/", look)
    assert faults == []
    assert (
        quiet_page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--brand-c')").strip() in brand
    )


def test_without_a_script_the_pages_still_work(
    live_server: Any, orders: Orders, services: list[Service], browser: Browser
) -> None:
    order = orders.running(remains=500)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/?next=/order/?service={services[0].pk}")
    page.fill("[name=login]", orders.who.email)
    page.fill("[name=password]", "correct horse battery")
    page.click("main button.btn-primary")
    page.fill("[name=link]", "https://instagram.com/no.script")
    page.fill("[name=quantity]", "200")
    page.click("text=Show the charge")
    assert page.locator("[name=shown_charge]").input_value() == "0.37180"
    page.locator("#receipt button.btn-primary").click()
    assert "placed. $0.3718 is reserved." in page.locator("main").inner_text()
    page.goto(f"{live_server.url}/orders/{order.pk}/")
    assert "500 of 1,000 delivered" in " ".join(page.locator("h2").first.inner_text().split())
    context.close()


def test_the_check_itself_sees_what_is_wrong(live_server: Any, services: list[Service], page: Page) -> None:
    page.goto(live_server.url)
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    page.evaluate("document.querySelector('#q').placeholder = ' '")
    page.evaluate("document.querySelector('#q').closest('label').replaceWith(document.querySelector('#q'))")
    assert [p.split(":")[0] for p in axe_problems(page)] == ["color-contrast", "label"]
    page.set_viewport_size({"width": 320, "height": 640})
    page.evaluate("document.querySelector('h1').style.width = '500px'")
    assert overflow(page) > 0
