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
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Picture:
    """``path`` may hold ``{service}``, the path of a service, and ``{number}``, its number."""

    name: str
    path: str
    theme: Literal["light", "dark"] = "light"
    as_customer: bool = False


PICTURES = (
    Picture("price-list", "/"),
    Picture("search", "/?q=instagarm+folowers"),
    Picture("service", "{service}"),
    Picture("order", "/order/?service={number}", as_customer=True),
    Picture("orders", "/orders/", as_customer=True),
    Picture("wallet", "/wallet/", theme="dark", as_customer=True),
    Picture("status", "/status/"),
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


def sign_in(page: Page, shop: DemoShop) -> None:
    """Sign the demo's customer in."""
    page.goto(f"{shop.url}/accounts/login/")
    page.fill("[name=login]", shop.email)
    page.fill("[name=password]", shop.password)
    page.click("main button.btn-primary")
    page.wait_for_url(lambda url: "/login/" not in url)


def paths_of(page: Page, shop: DemoShop) -> dict[str, str]:
    """Return the paths of the first service of the list and of its category, and the number of the service."""
    page.goto(f"{shop.url}/")
    service = page.locator("td.c-name a").first.get_attribute("href") or ""
    page.goto(shop.url + service)
    category = page.locator(".crumbs a[href^='/categories/']").get_attribute("href") or ""
    return {"service": service, "category": category, "number": re.findall(r"/services/(\d+)", service)[0]}


def take(browser: Browser, shop: DemoShop, picture: Picture, paths: dict[str, str]) -> Path:
    """Take one picture; return where it is."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=picture.theme, reduced_motion="reduce", locale="en"
    )
    page = context.new_page()
    if picture.as_customer:
        sign_in(page, shop)
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
        for picture in PICTURES:
            target = take(browser, shop, picture, paths)
            print(f"{target.relative_to(ROOT)}  {target.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
