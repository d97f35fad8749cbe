"""Takes the pictures of docs/img from the demo's own data: `make screenshots`."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tools.demo_shop import ROOT, DemoShop, demo_shop

FOLDER = ROOT / "docs" / "img"
WIDTH, HEIGHT = 1280, 800
#: What the demo's customer has ordered in the pictures: services of the simulated provider, as a mass order.
LINES = """\
1 | https://www.instagram.com/harborcoffee/ | 1000
5 | https://www.instagram.com/p/C8a1b2c3d4e/ | 500
30 | https://www.youtube.com/watch?v=dQw4w9WgXcQ | 2000
40 | https://t.me/harborcoffee | 500
34 | https://www.youtube.com/@harborcoffee | 200
24 | https://www.tiktok.com/@harborcoffee/video/7301234567890123456 | 1000
"""
#: Milliseconds in which some of these orders begin to arrive.
UNDER_WAY = 8_000
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Picture:
    """``path`` may hold ``{service}``, the path of a service, and ``{number}``, its number."""

    name: str
    path: str
    theme: Literal["light", "dark"] = "light"
    who: Literal["", "customer", "owner"] = ""


PICTURES = (
    Picture("price-list", "/"),
    Picture("search", "/?q=instagarm+folowers"),
    Picture("service", "{service}"),
    Picture("order", "/order/?service={number}", who="customer"),
    Picture("orders", "/orders/", who="customer"),
    Picture("mass-order", "/orders/mass/", who="customer"),
    Picture("tickets", "/tickets/1/", who="customer"),
    Picture("wallet", "/wallet/", theme="dark", who="customer"),
    Picture("status", "/status/"),
    Picture("today", "/admin/", who="owner"),
)


def chromium_path() -> str:
    """Return where the system's Chromium is. Raises SystemExit without one."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        raise SystemExit("There is no Chromium on this machine.")
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, for as long as the block runs."""
    # Chromium's sandbox refuses to start as root.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=["--disable-gpu", *sandbox])
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, shop: DemoShop, who: str = "customer") -> None:
    """Sign the demo's customer or owner in."""
    email, password = shop.passwords[who]
    page.goto(f"{shop.url}/accounts/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", password)
    page.click("main button.btn-primary")
    page.wait_for_url(lambda url: "/login/" not in url)


def paths_of(page: Page, shop: DemoShop) -> dict[str, str]:
    """Return the paths of the first service of the list and of its category, and the number of the service."""
    page.goto(f"{shop.url}/")
    service = page.locator("td.c-name a").first.get_attribute("href") or ""
    page.goto(shop.url + service)
    category = page.locator(".crumbs a[href^='/categories/']").get_attribute("href") or ""
    return {"service": service, "category": category, "number": re.findall(r"/services/(\d+)", service)[0]}


def place_orders(page: Page, shop: DemoShop) -> None:
    """Place the lines, wait until some are under way, and leave them checked in the form of the mass order again."""
    sign_in(page, shop)
    for verb in ("place", "check"):
        page.goto(f"{shop.url}/orders/mass/")
        page.fill("[name=lines]", LINES)
        page.click("[name=check]:visible")
        page.wait_for_url("**/orders/mass/#found")
        if verb == "place":
            page.click("[name=place]:visible")
            page.wait_for_url("**/orders/mass/*/")
    page.wait_for_timeout(UNDER_WAY)


def take(browser: Browser, shop: DemoShop, picture: Picture, paths: dict[str, str]) -> Path:
    """Take one picture; return where it is."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=picture.theme, reduced_motion="reduce", locale="en"
    )
    page = context.new_page()
    if picture.who:
        sign_in(page, shop, picture.who)
    page.goto(shop.url + picture.path.format(**paths))
    page.evaluate("document.fonts.ready")
    target = FOLDER / f"{picture.name}.png"
    page.screenshot(path=target)
    context.close()
    return target


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo_shop() as shop, chromium() as browser:
        paths = paths_of(browser.new_page(), shop)
        place_orders(browser.new_page(), shop)
        for picture in PICTURES:
            target = take(browser, shop, picture, paths)
            print(f"{target.relative_to(ROOT)}  {target.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
