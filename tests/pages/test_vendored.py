"""Files of others are what their list says: version, licence, content; and none of them is fetched from elsewhere."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import django_htmx
import pytest
from django.contrib.staticfiles import finders

ROOT = Path(__file__).parents[2]
LISTED: list[dict[str, Any]] = json.loads((ROOT / "static" / "vendor.json").read_text())
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
APPS = ("core", "notices", "accounts", "catalog", "billing", "orders", "storefront")
MODULES = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts]


@pytest.mark.parametrize("entry", LISTED, ids=[f"{e['file']} {e['package']}" for e in LISTED])
def test_a_file_of_others_is_the_one_that_is_listed(entry: dict[str, Any]) -> None:
    content = (ROOT / entry["file"]).read_bytes()
    if entry["sha256"] is not None:
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert entry["version"]
    assert entry["licence"]
    assert (ROOT / entry["licence_file"]).stat().st_size > 200


def test_every_font_and_every_vendored_file_is_listed() -> None:
    listed = {entry["file"] for entry in LISTED}
    there = {str(p.relative_to(ROOT)) for p in (ROOT / "static" / "fonts").iterdir()}
    there |= {str(p.relative_to(ROOT)) for p in (ROOT / "tests" / "pages" / "vendor").glob("*.js")}
    there |= {str(p.relative_to(ROOT)) for p in (ROOT / "static").glob("*.min.*")}
    assert there <= listed


def test_htmx_comes_with_its_package_and_not_from_a_network() -> None:
    assert Path(str(finders.find("django_htmx/htmx-2.min.js"))).is_relative_to(Path(django_htmx.__file__).parent)


def test_the_sprite_holds_the_icons_that_are_named_and_no_others() -> None:
    texts = [p.read_text() for p in [*TEMPLATES, *MODULES]]
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static" / "icons.svg").read_text()))
    named = {name for text in texts for name in re.findall(r'{% icon "([a-z0-9-]+)"', text)}
    words = {word for text in texts for word in re.findall(r'"([a-z0-9-]+)"', text)}
    assert named - drawn == set()
    script = (ROOT / "static" / "shop.js").read_text()
    assert {
        icon for icon in drawn if icon not in words and f'"{icon}"' not in script and f"#{icon}" not in script
    } == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=[str(p.relative_to(ROOT)) for p in TEMPLATES])
def test_a_template_holds_nothing_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=", text), "a length from data is a <progress>, an attribute of SVG, or a class"
    assert not re.search(r"\son[a-z]+=", text), "handlers are in static/shop.js"
    assert not re.search(r"<script(?![^>]*\b(?:src=|type=\"application/json\"))", text), "scripts are files"
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), "nothing comes from elsewhere"
    assert "hx-on" not in text
    assert "hx-vals='js:" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=[str(p.relative_to(ROOT)) for p in TEMPLATES])
def test_a_template_knows_no_left_and_right(path: Path) -> None:
    """Logical classes alone, so that a page read from right to left is the same page."""
    classes = " ".join(re.findall(r'class="([^"]*)"', path.read_text()))
    assert not re.findall(r"(?:^|[\s:-])(?:m[lr]|p[lr]|left|right|border-[lr]|rounded-[lr])-[\w\[]+", classes)
    assert "text-left" not in classes
    assert "text-right" not in classes


def test_the_built_sheet_loads_nothing_from_elsewhere() -> None:
    sheet = (ROOT / "static" / "app.css").read_text()
    assert "data:" not in sheet
    assert not re.findall(r"url\(['\"]?(?:https?:)?//[^)]*", sheet)
    for name in re.findall(r"url\(['\"]?([^)'\"]+)", sheet):
        assert (ROOT / "static" / name).is_file()
