"""Invented price lists of any length, with the mixture of prices, types and names that large panels show."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from upstream.simulator.catalog import Catalog

PLATFORMS = {
    "Instagram": ("Followers", "Likes", "Reel Views", "Story Views", "Saves"),
    "TikTok": ("Followers", "Likes", "Views", "Shares", "Saves"),
    "YouTube": ("Views", "Subscribers", "Likes", "Shorts Views"),
    "Telegram": ("Channel Members", "Post Views", "Reactions"),
    "Facebook": ("Page Followers", "Post Likes", "Video Views", "Group Members"),
    "X": ("Followers", "Post Likes", "Reposts", "Post Views"),
    "Spotify": ("Plays", "Playlist Followers", "Monthly Listeners"),
    "Twitch": ("Followers", "Live Viewers", "Clip Views"),
    "Website traffic": ("Visitors", "Returning Visitors"),
}
WEIGHTS = (30, 18, 18, 10, 10, 6, 5, 2, 6)
AUDIENCES = ("", "", "", "", "Brazil", "Turkey", "India", "USA", "العربية", "Việt Nam", "日本", "España")
MANNERS = ("instant start", "slow and steady", "older profiles", "mixed profiles", "[Max 500K]", "🔥 fast")
REFILLS = ("no refill", "no refill", "30-day refill", "60-day refill", "365-day refill", "lifetime refill")
TEXTS = (
    "",
    "",
    "Starts within an hour.",
    "Start: 0-1 h<br>Speed: 5K a day",
    "<b>Public</b> profiles &amp; one order a link.",
)
TYPES = (
    *[("Custom Comments", 5), ("Package", 4), ("Subscriptions", 1), ("Poll", 1), ("Comment Likes", 1)],
    *[("Mentions User Followers", 1), ("Custom Comments Package", 1), ("Web Traffic", 1), ("Default", 85)],
)
CATEGORY_SIZE = 12


def generated_catalog(number: int, seed: int = 1) -> Catalog:
    """Return a catalog of ``number`` services; the same arguments give the same bytes."""
    return Catalog.from_rows(generated_rows(number, seed))


def generated_rows(number: int, seed: int = 1) -> list[dict[str, Any]]:
    draw = random.Random(f"{seed}/{number}")  # noqa: S311
    ids = iter(sorted(draw.sample(range(1, number * 3 + 1), number)))
    rows: list[dict[str, Any]] = []
    for category, what, audience in _categories(draw):
        for _ in range(min(1 + int(draw.expovariate(1 / CATEGORY_SIZE)), number - len(rows))):
            rows.append(_row(draw, next(ids), category, what, audience))
        if len(rows) == number:
            return rows
    raise AssertionError("the categories never end")


def _categories(draw: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield without end: the name of a category, what is sold in it, and its audience (empty for any)."""
    seen: dict[str, int] = {}
    while True:
        platform = draw.choices(list(PLATFORMS), WEIGHTS)[0]
        product, audience = draw.choice(PLATFORMS[platform]), draw.choice(AUDIENCES)
        name = f"{platform} · {product}" + (f" · {audience}" if audience else "")
        seen[name] = seen.get(name, 0) + 1
        yield (f"{name} {seen[name]}" if seen[name] > 1 else name), f"{platform} {product}", audience


def _row(draw: random.Random, number: int, category: str, what: str, audience: str) -> dict[str, Any]:
    kind = draw.choices([name for name, _ in TYPES], [weight for _, weight in TYPES])[0]
    package = "Package" in kind
    refill = draw.choice(REFILLS)
    low = 1 if package else draw.choice((5, 10, 10, 20, 50, 100, 100, 500, 1000))
    high = 1 if package else min(2_147_483_647, low * 10 ** draw.randint(2, 6))
    parts = [what, audience, draw.choice(MANNERS), refill]
    # Prices spread over five powers of ten: a tenth below 0.15, the median near 2, a tenth above 50.
    thousandths = max(4, round(1000 * 10 ** draw.gauss(0.35, 1.05)))
    rate = f"{thousandths // 1000}.{thousandths % 1000:03d}"
    return {
        "service": number,
        "name": " · ".join(part for part in parts if part),
        "type": kind,
        "category": category,
        "rate": rate[:-1] if rate.endswith("0") else rate,
        "min": str(low),
        "max": str(high),
        "desc": draw.choice(TEXTS),
        "refill": refill != "no refill",
        "cancel": draw.random() < 0.2,
        "dripfeed": kind == "Default" and draw.random() < 0.1,
    }
